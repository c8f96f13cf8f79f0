-- What the application needs. It can be run again: what is there already is left as it is.
create table if not exists users (
  id uuid primary key default gen_random_uuid(),
  email text not null unique,
  name text not null default ''
);
create table if not exists sessions (
  id uuid primary key default gen_random_uuid(),
  person uuid not null references users,
  expires_at timestamptz not null
);
create table if not exists threads (
  id uuid primary key default gen_random_uuid(),
  owner uuid not null,
  title text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists threads_by_owner on threads (owner, updated_at);
create table if not exists messages (
  id uuid primary key default gen_random_uuid(),
  thread uuid not null references threads on delete cascade,
  body text not null,
  created_at timestamptz not null default now()
);
create table if not exists attachments (
  id uuid primary key default gen_random_uuid(),
  message uuid not null references messages on delete cascade,
  name text not null,
  size bigint not null check (size >= 0)
);
create table if not exists labels (id bigint generated always as identity primary key, name text not null unique);
create table if not exists thread_labels (
  thread uuid references threads on delete cascade,
  label bigint references labels on delete cascade,
  primary key (thread, label)
);
create table if not exists reactions (
  message uuid references messages on delete cascade,
  person uuid references users on delete cascade,
  sign text not null,
  primary key (message, person)
);
create table if not exists mentions (
  message uuid references messages on delete cascade,
  person uuid references users on delete cascade,
  primary key (message, person)
);
create table if not exists notifications (
  id bigint generated always as identity primary key,
  person uuid not null references users on delete cascade,
  content jsonb not null default '{}',
  seen_at timestamptz
);
create table if not exists drafts (thread uuid primary key references threads on delete cascade, body text not null);
create table if not exists reads (
  thread uuid references threads on delete cascade,
  person uuid references users on delete cascade,
  read_at timestamptz not null default now(),
  primary key (thread, person)
);
create table if not exists invitations (
  id uuid primary key default gen_random_uuid(),
  email text not null,
  accepted boolean not null default false
);
create table if not exists exports (
  id uuid primary key default gen_random_uuid(),
  person uuid not null references users,
  done_at timestamptz
);
