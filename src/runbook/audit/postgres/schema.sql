-- The store of runbook-walk in PostgreSQL, format 1. PostgreSQL 14 or later.
--
-- Whoever carries this out owns the store and can rewrite all of it; nobody who walks runbooks needs that role. They
-- have one that is a member of runbook_writer, which reads and inserts, and never updates, deletes or truncates.
-- It can be carried out again: it makes what is missing, and changes no row.

begin;

create schema if not exists runbook;
revoke all on schema runbook from public;

create table if not exists runbook.meta (
    format  int         primary key,
    made    timestamptz not null default clock_timestamp()
);
insert into runbook.meta (format) values (1) on conflict do nothing;

-- The log: one row a record, with the exact bytes of its line (without the LF). What else stands in a row is taken
-- from these bytes by the trigger below, and only for looking things up: a verifier reads the bytes.
create table if not exists runbook.record (
    run   text        not null check (run ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
    seq   bigint      not null check (seq >= 0),
    line  bytea       not null check (octet_length(line) < 65536),
    type  text        not null,
    mono  bigint      not null,
    at    timestamptz not null default clock_timestamp(),
    primary key (run, seq)
);
create index if not exists record_begun on runbook.record (at) where seq = 0;
create index if not exists record_named on runbook.record (run text_pattern_ops) where seq = 0;
create index if not exists record_resumed on runbook.record (run, seq) where type = 'run.resumed';

-- A record is taken if it follows on the one before: its number is the next, its `prev` the hash of the one before, its
-- `h` the SHA-256 of its own bytes before that, its time not earlier, and nothing follows `run.finished`. The same bytes
-- again are no error and no row; other bytes under a number that is there are RB001, what does not follow is RB002.
create or replace function runbook.follow() returns trigger
language plpgsql set search_path = pg_catalog, runbook, pg_temp as $$
declare
    there  bytea;
    before runbook.record;
    size   int := octet_length(new.line);
    head   text[];
    prev   text := repeat('0', 64);
begin
    select line into there from runbook.record where run = new.run and seq = new.seq;
    if found then
        if there = new.line then
            return null;
        end if;
        raise exception 'record % of run % is there, with other bytes', new.seq, new.run using errcode = 'RB001';
    end if;
    -- Lengths are looked at apart: a bound in a pattern costs half a millisecond a record.
    head := regexp_match(convert_from(substring(new.line from 1 for 320), 'SQL_ASCII'),
        '^\{"v":1,"seq":([0-9]+),"prev":"([0-9a-f]+)","ts":"([0-9TZ:.-]+)","mono":([0-9]+),"type":"([a-z0-9._-]+)"[,}]');
    if head is null or length(head[1]) > 18 or length(head[2]) <> 64 or length(head[3]) <> 24 or length(head[4]) > 18
        or length(head[5]) > 64 or head[1]::bigint <> new.seq or position('\x0a'::bytea in new.line) > 0
        or substring(new.line from size - 71) <> convert_to(
            ',"h":"' || encode(sha256(substring(new.line from 1 for greatest(size - 72, 0))), 'hex') || '"}', 'SQL_ASCII') then
        raise exception 'record % of run % is no record', new.seq, new.run using errcode = 'RB002';
    end if;
    new.type := head[5];
    new.mono := head[4]::bigint;
    new.at := clock_timestamp();
    if new.seq > 0 then
        select * into before from runbook.record where run = new.run and seq = new.seq - 1;
        if not found or before.type = 'run.finished' or new.mono < before.mono then
            raise exception 'record % of run % follows on nothing', new.seq, new.run using errcode = 'RB002';
        end if;
        prev := convert_from(substring(before.line from octet_length(before.line) - 65 for 64), 'SQL_ASCII');
    end if;
    if head[2] <> prev or (new.seq = 0) <> (new.type = 'run.started') then
        raise exception 'record % of run % follows on another record', new.seq, new.run using errcode = 'RB002';
    end if;
    return new;
end $$;

-- The files of a run: its runbooks (runbook/<SHA-256>.yaml), requests for approvals, checkpoints and their signatures.
create table if not exists runbook.file (
    run   text        not null,
    name  text        not null check (name ~ '^(runbook|requests|checkpoints)/[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'),
    data  bytea       not null check (octet_length(data) <= 16777216),
    at    timestamptz not null default clock_timestamp(),
    primary key (run, name),
    check (name !~ '^runbook/' or name = 'runbook/' || encode(sha256(data), 'hex') || '.yaml')
);
create index if not exists file_request on runbook.file (name) where name like 'requests/%';

-- What the steps of a run printed, masked, in pieces as they came; `start` counts the bytes before a piece.
create table if not exists runbook.output (
    number bigint      generated always as identity primary key,
    run    text        not null,
    name   text        not null check (name ~ '^[^/\s]{1,255}$' and name !~ '^\.'),
    start  bigint      not null check (start between 0 and 67108864),
    data   bytea       not null check (octet_length(data) <= 1048576),
    at     timestamptz not null default clock_timestamp(),
    unique (run, name, start)
);
create index if not exists output_of on runbook.output (run, number);

-- What others have to say to a run. The numbers of a run have no gaps and are in the order of commits, so whoever walks
-- it asks for what is behind the last one.
create table if not exists runbook.inbox (
    run    text        not null,
    number bigint      not null,
    data   bytea       not null check (octet_length(data) <= 32768),
    owner  name        not null default session_user,
    at     timestamptz not null default clock_timestamp(),
    primary key (run, number)
);
create index if not exists inbox_arrived on runbook.inbox (at);
create or replace function runbook.arrive() returns trigger
language plpgsql set search_path = pg_catalog, runbook, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('runbook inbox ' || new.run, 0));
    select coalesce(max(number), 0) + 1 into new.number from runbook.inbox where run = new.run;
    new.owner := session_user;
    new.at := clock_timestamp();
    return new;
end $$;

-- The starts that cooldowns look at, by the clock of the database; the latest of a key counts.
create table if not exists runbook.start (
    number   bigint      generated always as identity primary key,
    key      text        not null,
    run      text        not null,
    runbook  text        not null,
    step     text        not null,
    operator text        not null,
    ts       text        not null,
    at       timestamptz not null default clock_timestamp()
);
create index if not exists start_of on runbook.start (hashtextextended(key, 0), number);

-- The locks of runbooks: who took one, as JSON; the latest row of a key counts.
create table if not exists runbook.claim (
    number bigint      generated always as identity primary key,
    key    text        not null,
    claim  bytea       not null check (octet_length(claim) <= 65536),
    at     timestamptz not null default clock_timestamp()
);
create index if not exists claim_of on runbook.claim (hashtextextended(key, 0), number);

-- Who has written a log, by the session that held its lock.
create table if not exists runbook.writer (
    number   bigint      generated always as identity primary key,
    run      text        not null,
    backend  int         not null,
    pid      int         not null,
    host     text        not null,
    operator text        not null,
    at       timestamptz not null default clock_timestamp()
);
create index if not exists writer_of on runbook.writer (run, backend, number);

-- Who may perform an attempt of a run that several machines walk: the first row wins, and one without a worker says that
-- nobody may any more.
create table if not exists runbook.attempt (
    run    text        not null,
    name   text        not null check (octet_length(name) between 1 and 2000),
    worker text        not null,
    at     timestamptz not null default clock_timestamp(),
    primary key (run, name)
);

-- The clock of the rows is the database's, whatever an insert says.
create or replace function runbook.stamp() returns trigger
language plpgsql set search_path = pg_catalog, runbook, pg_temp as $$
begin
    new.at := clock_timestamp();
    return new;
end $$;

-- Nobody changes or takes away a row by accident, its owner included; who owns a trigger can drop it, and is trusted.
create or replace function runbook.refuse() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'rows of % are never changed or taken away', tg_table_name using errcode = 'RB003';
end $$;

do $$
declare
    each text;
begin
    foreach each in array array['record', 'file', 'output', 'inbox', 'start', 'claim', 'writer', 'attempt'] loop
        execute format('create or replace trigger a_keep before update or delete on runbook.%I'
            ' for each row execute function runbook.refuse()', each);
        execute format('create or replace trigger a_keep_all before truncate on runbook.%I'
            ' for each statement execute function runbook.refuse()', each);
        execute format('create or replace trigger b_take before insert on runbook.%I'
            ' for each row execute function runbook.%I()', each,
            case each when 'record' then 'follow' when 'inbox' then 'arrive' else 'stamp' end);
    end loop;
    if not exists (select from pg_roles where rolname = 'runbook_writer') then
        create role runbook_writer nologin;
    end if;
end $$;

grant usage on schema runbook to runbook_writer;
grant select on all tables in schema runbook to runbook_writer;
grant insert on runbook.record, runbook.file, runbook.output, runbook.inbox, runbook.start, runbook.claim,
    runbook.writer, runbook.attempt to runbook_writer;

commit;
