#!/bin/sh
# Checks the log of a run, and the files beside it, without the program that wrote them.
#
#     sh VERIFY.sh [--anchor N:HASH] [--allowed-signers FILE] [DIRECTORY]
#
# DIRECTORY holds audit.jsonl; without it, it is the one that this script lies in. N:HASH is a head of the log that was
# noted elsewhere, in a ticket for instance. FILE says whose SSH key is whose (ssh-keygen(1), ALLOWED SIGNERS). What
# came with a log may have been changed with it, this script included: run one that you have from elsewhere.
#
# Looked at: that every record is whole, numbered, and chained to the one before by SHA-256; that nothing follows the
# end; that the anchor is in it; that the log is the one of its checkpoints, and, with FILE, that these are signed by
# whoever walked; that the runbook in runbook/ is the one that the log names, and that the files in output/ are. Not
# looked at, because a shell cannot: whether the log is a legal walk of that runbook, whether its JSON can be read in
# two ways, and the signatures of approvals. `runbook verify` looks at these too.
#
# Exit status, of several the first in 7 1 6 5 4 3: 0 complete and right · 1 tampered with · 2 could not begin · 3 right,
# but without an end · 4 only the last line is torn · 5 a checkpoint does not count · 6 another runbook than the one of
# the log · 7 unreadable, or of a newer version.
#
# Needed: a POSIX shell, sha256sum (or shasum), and tr, fold, tail, wc, mkdir, rm; for signatures ssh-keygen. No process
# is started for a record: the hashed parts of many are written into files, and one sha256sum checks them all.
set -u
LC_ALL=C
export LC_ALL
umask 077

refuse() {
    printf 'VERIFY.sh: %s\n' "$1" >&2
    exit 2
}

usage='usage: sh VERIFY.sh [--anchor N:HASH] [--allowed-signers FILE] [DIRECTORY]'
anchor=
signers=
directory=
while [ $# -gt 0 ]; do
    case $1 in
        --anchor)
            [ $# -gt 1 ] || refuse 'after --anchor stands N:HASH'
            anchor=$2
            shift
            ;;
        --help | -h)
            printf '%s\n' "$usage"
            exit 0
            ;;
        --allowed-signers)
            { [ $# -gt 1 ] && [ -f "$2" ] && [ -r "$2" ]; } || refuse 'after --allowed-signers stands a file to be read'
            signers=$2
            shift
            ;;
        -*) refuse "there is no option $1; $usage" ;;
        *)
            [ -z "$directory" ] || refuse 'one directory at a time'
            directory=$1
            ;;
    esac
    shift
done
if [ -z "$directory" ]; then
    case $0 in
        */*) directory=${0%/*}/ ;;
        *) directory=. ;;
    esac
fi

is_hash() {
    case $1 in
        *[!0-9a-f]*) return 1 ;;
    esac
    [ ${#1} -eq 64 ]
}

is_number() { # one that a record may hold: at most 18 digits, none of them in vain
    case $1 in
        '' | *[!0-9]* | 0?*) return 1 ;;
    esac
    [ ${#1} -le 18 ]
}

anchored=-1
anchor_hash=
if [ -n "$anchor" ]; then
    anchored=${anchor%%:*}
    anchor_hash=${anchor#*:}
    while :; do # 007 is 7, and not octal
        case $anchored in
            0?*) anchored=${anchored#0} ;;
            *) break ;;
        esac
    done
    { is_number "$anchored" && is_hash "$anchor_hash"; } ||
        refuse 'an anchor is the number of a record, a colon and its 64 hexadecimal digits'
fi

if command -v sha256sum >/dev/null 2>&1; then
    check() { sha256sum -c "$1"; }
elif command -v shasum >/dev/null 2>&1; then
    check() { shasum -a 256 -c "$1"; }
else
    refuse 'neither sha256sum nor shasum is there'
fi

case $signers in
    '' | /*) ;;
    *) signers=$PWD/$signers ;;
esac
CDPATH='' cd "$directory" 2>/dev/null || refuse "there is no directory $directory"
place=${TMPDIR:-/tmp}
if [ -z "${TMPDIR:-}" ] && [ -d /dev/shm ] && [ -w /dev/shm ]; then
    place=/dev/shm # in memory: it gets a small file for each of the last 1,000 records
fi
work=$place/runbook-verify.$$
mkdir "$work" 2>/dev/null || refuse "no temporary directory can be made in $place"
case $work in /*) ;; *) work=$PWD/$work ;; esac
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

# --- what is found; the gravest status counts -------------------------------------------------------------------------

status=0
: >"$work/findings"

found() { # STATUS TEXT
    printf '  %s\n' "$2" >>"$work/findings"
    for grave in 7 1 6 5 4 3 0; do
        if [ "$status" -eq "$grave" ] || [ "$1" -eq "$grave" ]; then
            status=$grave
            return
        fi
    done
}

# --- the chain: reads the log from its standard input -----------------------------------------------------------------

BATCH=1000
ANY16='????????????????'
ANY64=$ANY16$ANY16$ANY16$ANY16
ZEROS=0000000000000000000000000000000000000000000000000000000000000000
NUL=$(printf '\001')
TAB=$(printf '\t')
CR=$(printf '\r')

queued() { # the hashed part of record number $count is to have this hash: FRONT HASH
    batch=$((batch + 1))
    printf '%s' "$1" >"$work/$batch"
    printf '%s  %s\n' "$2" "$batch" >&3
}

settled() { # whether all that is queued has the hash that it should have; else the log ends before the first that has not
    exec 3>&-
    right=yes
    if [ "$batch" -gt 0 ] && ! (cd "$work" && check claims) >"$work/checked" 2>/dev/null; then
        right=
        number=0
        while IFS= read -r answer; do
            case $answer in
                *': OK') number=$((number + 1)) ;;
                *) break ;;
            esac
        done <"$work/checked"
        count=$((count - batch + number))
        found 1 "line $((count + 1)): its hash does not fit: it was altered after it was written"
    fi
    rm -f "$work"/[1-9]* # some disks are slow at files that are written over
    batch=0
    exec 3>"$work/claims"
    [ -n "$right" ]
}

wrong() { # TEXT: the line after $count records is wrong, if not one before it is
    here=$((count + 1))
    settled && found "${2:-1}" "line $here: $1"
}

without_blanks() {
    rest=${rest#"${rest%%[! $TAB]*}"}
}

is_newer() { # whether a line says that it is of a later version: {"v":2, with or without spaces
    rest=$1
    case $rest in *"$NUL"* | *"$CR") return 1 ;; esac
    for part in '{' '"v"' ':'; do
        without_blanks
        case $rest in
            "$part"*) rest=${rest#"$part"} ;;
            *) return 1 ;;
        esac
    done
    without_blanks
    version=${rest%%[!0-9]*}
    rest=${rest#"$version"}
    without_blanks
    case $rest in [,}]*) ;; *) return 1 ;; esac
    case $version in
        '' | ??????????*) return 1 ;;
    esac
    [ "$version" -gt 1 ]
}

not_a_record() { # LINE
    case $1 in
        *"$CR") wrong 're-formatted, not byte-identical: its end is CR LF' ;;
        *[!\ $TAB]*)
            if is_newer "$1"; then
                wrong "it is of format version $version, and this script knows version 1" 7
            else
                case $1 in
                    '{' | '[' | '{ '* | *[!\ -~]*) wrong 're-formatted, not byte-identical, or altered' ;;
                    *) wrong "it is not the record that stood here: record $count, following on $prev" ;;
                esac
            fi
            ;;
        *) wrong 're-formatted, not byte-identical: a blank line' ;;
    esac
}

is_time() {
    case $1 in
        [0-9][0-9][0-9][0-9]-0[1-9]-* | [0-9][0-9][0-9][0-9]-1[0-2]-*) ;;
        *) return 1 ;;
    esac
    case ${1#????-??-} in
        0[1-9]T* | [12][0-9]T* | 3[01]T*) ;;
        *) return 1 ;;
    esac
    case ${1#????-??-??T} in
        [01][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z | 2[0-3]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z) ;;
        *) return 1 ;;
    esac
}

is_known() { # a type of format 1, or a guest's
    case $1 in
        run.started | run.paused | run.resumed | run.handed_over | run.finished) ;;
        step.entered | step.skipped | step.refused | step.started | step.output | step.retrying) ;;
        step.finished | step.unknown | step.settled | step.cancelled) ;;
        guard.checked | guard.overridden | question.asked | answer.given | operator.acted) ;;
        confirmation.requested | confirmation.given | confirmation.refused) ;;
        approval.requested | approval.given | approval.refused | secret.resolved) ;;
        wait.started | wait.checked | wait.ended | note.added | reminder.due) ;;
        deviation.recorded | checkpoint.signed | warning) ;;
        x-*[!a-z0-9_.-]* | x-) return 1 ;;
        x-*) [ ${#1} -le 64 ] ;;
        *) return 1 ;;
    esac
}

begins() { # REST of the first record behind its type: notes which run of which runbook it is
    case $1 in
        ',"format":"1.'[0-9]*) ;;
        ',"format":"'[1-9]*.[0-9]*)
            settled && found 7 'the log is of a newer format, and this script knows format 1'
            count=0
            return 1
            ;;
        *)
            settled && found 1 'line 1: the first record does not say of which format the log is'
            count=0
            return 1
            ;;
    esac
    rest=${1#*,\"run\":\"}
    run=${rest%%\"*}
    rest=${1#*,\"operator\":\"}
    before=${rest%%\"*}
    operator=$before
    case $1 in
        *',"files":{'*) rest=${1#*,\"files\":\{} ;;
        *) return 0 ;;
    esac
    while :; do # "NAME":"<64 digits>", and so on; no name can hold an unescaped quotation mark
        case $rest in
            *'":"'*) rest=${rest#*\":\"} ;;
            *) return 0 ;;
        esac
        digest=${rest%%\"*}
        is_hash "$digest" || continue
        printf '%s  runbook/%s.yaml\n' "$digest" "$digest" >>"$work/snapshots"
        case $rest in "$digest"'"}'*) return 0 ;; esac
    done
}

tells_of_checkpoint() { # REST: notes which file, with size and head, and who signed it when
    rest=${1#*,\"size\":}
    size=${rest%%,*}
    rest=${rest#*,\"head\":\"}
    head=${rest%%\"*}
    rest=${rest#*,\"file\":\"}
    file=${rest%%\"*}
    rest=${rest#*,\"signer\":\"}
    if [ "$size" = "$((count - 1))" ] && [ "$head" != "$prev" ]; then
        settled && found 1 "line $count: it tells of a checkpoint with another head than the log has there"
    fi
    case $file in
        *' '*) ;;
        *) printf '%s %s %s %s %s\n' "$file" "$size" "$head" "$time" "${rest%%\"*}" >>"$work/told" ;;
    esac
}

names_output() { # REST: notes which file a step.output speaks of, with its line, size and digest
    case $1 in
        *',"file":"output/'*',"size":'*',"sha256":"'*) ;;
        *) return 0 ;; # a stream without a byte
    esac
    rest=${1#*,\"file\":\"output/}
    name=${rest%%\"*}
    rest=${rest#*,\"size\":}
    size=${rest%%,*}
    rest=${rest#*,\"sha256\":\"}
    digest=${rest%%\"*}
    case $name in
        '' | .* | *[!]A-Za-z0-9_.#~[-]*) odd=$((odd + 1)) ;;
        *)
            if is_number "$size" && is_hash "$digest"; then
                printf '%s %s %s %s\n' "$count" "$size" "$digest" "$name" >>"$work/outputs"
            else
                odd=$((odd + 1))
            fi
            ;;
    esac
}

too_long() { # a line beyond 64 KiB: only the zeros that a crash may leave at the end are no record
    if [ "$(tail -c "+$((offset + 1))" audit.jsonl | tr -d '\000' | wc -c)" -eq 0 ]; then
        settled && found 4 "line $((count + 1)): the last line has no end: zeros"
    else
        wrong 'it is longer than 65,536 bytes'
    fi
}

chain() {
    time=
    count=0 batch=0 offset=0 odd=0 approvals=0 resumed=0 prev=$ZEROS mono=0 type='' run='' operator='' before=''
    exec 3>"$work/claims"
    while :; do
        whole=yes
        IFS= read -r line || whole=
        [ -n "$whole$line" ] || break
        if [ "$type" = run.finished ]; then
            wrong 'something follows the end of the run'
            break
        fi
        if [ ${#line} -gt 65536 ] || [ "$whole${#line}" = yes65536 ]; then
            too_long
            break
        fi
        if [ -z "$whole" ]; then
            settled && found 4 "line $((count + 1)): the last line has no end: ${#line} bytes"
            break
        fi
        # The header that must stand here, the hash that must stand at the end, and nothing but printable ASCII.
        rest=${line#"{\"v\":1,\"seq\":$count,\"prev\":\"$prev\",\"ts\":\""}
        front=${line%,\"h\":\"$ANY64\"\}}
        hash=${line##*,\"h\":\"}
        hash=${hash%\"\}}
        after=${rest#????????????????????????\",\"mono\":}
        now=${after%%,*}
        time=${rest%%\"*}
        behind=${after#"$now",\"type\":\"}
        case $line in *[!\ -~]*) front=$line ;; esac
        if [ "${#rest}" -eq "${#line}" ] || [ "${#front}" -eq "${#line}" ] || [ "${#after}" -eq "${#rest}" ] ||
            [ "${#behind}" -eq "${#after}" ] || ! is_number "$now" || ! is_hash "$hash" ||
            ! is_time "$time"; then
            not_a_record "$line"
            break
        fi
        type=${behind%%\"*}
        behind=${behind#"$type"\"}
        case $behind in
            ,\"*) ;;
            *) type= ;;
        esac
        if ! is_known "$type"; then
            wrong 'no record of version 1 has such a type'
            break
        fi
        queued "$front" "$hash"
        count=$((count + 1))
        if [ "$now" -lt "$mono" ]; then
            settled && count=$((count - 1)) && found 1 "line $((count + 1)): its time runs backwards"
            break
        fi
        if [ "$count" -eq 1 ] || [ "$type" = run.started ]; then
            if [ "$count" -gt 1 ] || [ "$type" != run.started ] || [ "$now" -ne 0 ]; then
                settled && count=$((count - 1)) && found 1 "line $((count + 1)): no log begins so, or begins twice"
                break
            fi
            begins "$behind" || break
        fi
        if [ "$((count - 1))" -eq "$anchored" ] && [ "$hash" != "$anchor_hash" ]; then
            settled && count=$((count - 1)) && found 1 "line $((count + 1)): it is not the anchored record"
            break
        fi
        case $type in
            step.output) names_output "$behind" ;;
            approval.requested | approval.given) approvals=$((approvals + 1)) ;;
            run.resumed) resumed=$count ;;
            checkpoint.signed) tells_of_checkpoint "$behind" ;;
            run.handed_over)
                before=$operator
                rest=${behind#*,\"to\":\"}
                operator=${rest%%\"*}
                ;;
        esac
        case $sizes in
            *" $count "*)
                printf '%s\n' "$count" "$hash" "$time" "$operator" "$before" >>"$work/covered"
                ;;
        esac
        before=$operator
        prev=$hash mono=$now offset=$((offset + ${#line} + 1))
        if [ "$batch" -ge "$BATCH" ]; then
            settled || break
        fi
    done
    [ "$batch" -eq 0 ] || settled
    exec 3>&-
    if [ "$status" -ne 1 ] && [ "$status" -ne 7 ]; then
        if [ "$anchored" -ge "$count" ]; then
            found 1 "TRUNCATED: the anchor is record $anchored, and the log ends with record $((count - 1))"
        elif [ "$status" -eq 0 ] && [ "$type" != run.finished ] && [ "$anchored" -ge 0 ]; then
            found 3 "right as far as it goes, and complete up to record $anchored, but the run has no end"
        elif [ "$status" -eq 0 ] && [ "$type" != run.finished ]; then
            found 3 'right as far as it goes, but the run has no end: cannot tell a crash from a cut without an anchor'
        fi
    fi
    finished=
    [ "$type" != run.finished ] || finished=yes
    printf '%s\n' "$status" "$count" "$prev" "$finished" "$resumed" "$odd" "$approvals" "$time" "$operator" "$run" \
        >"$work/state"
}

# --- the files beside the log -----------------------------------------------------------------------------------------

is_plain() {
    [ -f "$1" ] && [ ! -h "$1" ]
}

checkpoints_there() { # which checkpoints stand beside the log: their files, and of how many records they speak
    sizes=' '
    : >"$work/checkpoints"
    for path in checkpoints/*.txt; do
        [ -e "$path" ] || [ -h "$path" ] || continue
        format='' of='' length='' end=''
        if is_plain "$path" && [ -r "$path" ]; then
            { IFS= read -r format && IFS= read -r of && IFS= read -r length && IFS= read -r end; } <"$path"
        fi
        of=${of#run }
        length=${length#size }
        end=${end#head }
        text="runbook-checkpoint/v1
run $of
size $length
head $end
"
        case $path in *[!A-Za-z0-9_./-]*) continue ;; esac
        if is_number "$length" && [ "$length" -gt 0 ] && is_hash "$end" && [ "$format" = runbook-checkpoint/v1 ] &&
            [ "$(wc -c <"$path")" -eq "${#text}" ]; then
            sizes="$sizes$length "
            printf '%s\n' "$path" "$of" "$length" "$end" >>"$work/checkpoints"
        else
            printf '%s\n' "$path" '' 0 '' >>"$work/checkpoints"
        fi
    done
}

no_count() { # PATH WHY
    found 5 "$1 does not count: $2"
}

signed_by() { # PATH PERSON TIME: whether this person signed that, with a key that was theirs at the time
    case $2 in
        '' | -* | *\\*) return 1 ;;
    esac
    at=${3%.*}
    set -- "$1" "$2" "$(printf %s "$at" | tr -d 'T:-')"
    revoked=${signers%/*}/revoked_keys
    if [ -e "$revoked" ]; then
        set -- "$@" -r "$revoked"
    fi
    signed_text=$1 signer=$2 at=$3
    shift 3
    TZ=UTC0 ssh-keygen -Y verify -f "$signers" -I "$signer" -n runbook-audit@v1 -s "$signed_text.sig" \
        -Overify-time="$at" "$@" <"$signed_text" >/dev/null 2>&1
}

is_listed() { # PERSON: whether the allowed signers know a person of that name, with whatever key
    while IFS=' ' read -r principals _; do
        principals=${principals#\"}
        principals=${principals%\"},
        while [ -n "$principals" ]; do
            # shellcheck disable=SC2254 # it is a pattern
            case $1 in
                ${principals%%,*}) return 0 ;;
            esac
            principals=${principals#*,}
        done
    done <"$signers"
    return 1
}

judged() { # PATH: whether a checkpoint is signed as it must be; "person" is who signed
    person=
    when=${covered_time:-$time}
    while IFS=' ' read -r file size told at signer; do # not into "head", which is that of the log
        [ "$file" = "$1" ] || continue
        person=$signer
        when=$at
        if [ "$size $told" != "$length $end" ]; then
            no_count "$1" 'it is not the one that the log tells of'
            return 1
        fi
    done <"$work/told"
    if [ -z "$person" ]; then
        for each in "$covered_by" "$covered_before"; do
            if [ -z "$person" ] && signed_by "$1" "$each" "$when"; then
                person=$each
            fi
        done
    fi
    if [ -z "$person" ]; then
        person=$(ssh-keygen -Y find-principals -s "$1.sig" -f "$signers" 2>/dev/null)
        person=${person%%,*}
    fi
    if ! signed_by "$1" "$person" "$when"; then
        no_count "$1" 'nobody who is listed, with a key of theirs at that time, has made its signature'
        return 1
    fi
    if [ "$person" != "$covered_by" ] && [ "$person" != "$covered_before" ]; then
        if is_listed "$covered_by" || is_listed "$covered_before"; then
            no_count "$1" "signed by $person, and walked by $covered_by"
            return 1
        fi
        found 0 "signed by $person, and walked by $covered_by, whom the allowed signers do not know by that name"
    fi
}

checkpoints_of_the_log() {
    signed=0
    unjudged=0
    command -v ssh-keygen >/dev/null 2>&1 || signers=
    while IFS= read -r path && IFS= read -r of && IFS= read -r length && IFS= read -r end; do
        if [ "$length" -eq 0 ] || [ "$of" != "$run" ]; then
            no_count "$path" 'it is no checkpoint of this run'
            continue
        fi
        covered_head='' covered_time='' covered_by=$operator covered_before=$operator
        while IFS= read -r size && IFS= read -r hash && IFS= read -r at && IFS= read -r by && IFS= read -r former; do
            if [ "$size" -eq "$length" ]; then
                covered_head=$hash covered_time=$at covered_by=$by covered_before=$former
            fi
        done <"$work/covered"
        if [ ! -f "$path.sig" ]; then
            no_count "$path" 'it has no signature'
            continue
        elif [ -z "$signers" ]; then
            unjudged=$((unjudged + 1))
        else
            judged "$path" || continue
        fi
        if [ -n "$covered_head" ] && [ "$covered_head" != "$end" ]; then
            found 1 "line $length: it is not the record that was signed in $path: the log was written anew since"
        elif [ -z "$covered_head" ] && [ "$status" -ne 1 ] && [ "$status" -ne 7 ]; then
            found 1 "TRUNCATED: $path covers $length records, and the log has fewer"
        elif [ -n "$signers" ] && [ "$length" -gt "$signed" ]; then
            signed=$length
        fi
    done <"$work/checkpoints"
    gone=0
    while IFS=' ' read -r file _; do
        [ -f "$file" ] || gone=$((gone + 1))
    done <"$work/told"
    [ "$gone" -eq 0 ] || found 0 "$gone checkpoints that the log tells of are not there"
    [ "$unjudged" -eq 0 ] || found 0 "$unjudged checkpoints: whose signatures they have was not checked"
    if [ "$signed" -gt 0 ]; then
        found 0 "signed: its first $signed records of $count"
    elif [ "$anchored" -lt 0 ]; then
        found 0 'unsigned: its owner could have written all of it anew; compare the head'
    fi
}

runbook_of_the_log() {
    if [ ! -s "$work/snapshots" ]; then
        found 6 'the log names no file of a runbook'
        return
    fi
    while IFS=' ' read -r digest name; do
        is_plain "$name" || found 6 "$name: the runbook that the log names is not there"
    done <"$work/snapshots"
    check "$work/snapshots" >"$work/checked" 2>/dev/null && return
    while IFS= read -r answer; do
        case $answer in
            *': FAILED') found 6 "${answer%: FAILED}: not the runbook that the log names" ;;
        esac
    done <"$work/checked"
}

is_cut() { # whether a crash may have left a file so: LINE SIZE NAME
    [ -z "$finished" ] || [ "$resumed" -gt "$1" ] || return 1
    bytes=$(wc -c <"output/$3")
    [ "$bytes" -lt "$2" ] ||
        { [ "$bytes" -eq "$2" ] && [ "$(tail -c 1 "output/$3" | tr -d '\000' | wc -c)" -eq 0 ]; }
}

outputs_of_the_log() {
    there=0
    missing=0
    : >"$work/claims"
    : >"$work/there"
    while IFS=' ' read -r line size digest name; do
        [ "$line" -le "$count" ] || break
        if [ -e "output/$name" ] || [ -h "output/$name" ]; then
            there=$((there + 1))
        fi
        if is_plain "output/$name" && [ -r "output/$name" ]; then
            printf '%s  output/%s\n' "$digest" "$name" >>"$work/claims"
            printf '%s %s %s\n' "$line" "$size" "$name" >>"$work/there"
        else
            missing=$((missing + 1))
        fi
    done <"$work/outputs"
    if [ -s "$work/claims" ] && ! check "$work/claims" >"$work/checked" 2>/dev/null; then
        while IFS=' ' read -r line size name && IFS= read -r answer <&4; do
            if [ "$answer" = "output/$name: OK" ]; then
                continue
            elif is_cut "$line" "$size" "$name"; then
                missing=$((missing + 1))
            else
                found 1 "line $line: output/$name is not what the log says"
            fi
        done <"$work/there" 4<"$work/checked"
    fi
    [ "$missing" -eq 0 ] || found 0 "$missing files of output/ are not there, or were cut by a crash: not checked"
    [ "$odd" -eq 0 ] || found 0 "$odd outputs are named so that a shell does not look at them: not checked"
    for path in output/* output/.[!.]* output/..?*; do
        if [ -e "$path" ] || [ -h "$path" ]; then
            there=$((there - 1))
        fi
    done
    [ "$there" -ge 0 ] || found 0 "$((-there)) files in output/ that the log does not name: no part of the run"
}

# --- the verdict ------------------------------------------------------------------------------------------------------

count=0
if [ ! -f audit.jsonl ] || [ ! -r audit.jsonl ]; then
    found 7 'the log cannot be read: there is no file audit.jsonl that may be'
elif [ ! -s audit.jsonl ]; then
    found 7 'the log cannot be read: it is empty'
else
    : >"$work/snapshots"
    : >"$work/outputs"
    : >"$work/told"
    : >"$work/covered"
    checkpoints_there
    # NUL and bytes outside ASCII, which shells read each in its own way, come as control characters; and no line is
    # longer than a record may be, where fold can do that: that of busybox cannot, and there a line of 2 GB takes 2 GB.
    if printf x | fold -b -w 65536 >/dev/null 2>&1; then
        tr '\000\200-\377' '\001\002' <audit.jsonl | fold -b -w 65536 | chain
    else
        tr '\000\200-\377' '\001\002' <audit.jsonl | chain
    fi
    [ -s "$work/state" ] || refuse 'the log could not be read to its end'
    {
        read -r status && read -r count && read -r head && read -r finished && read -r resumed && read -r odd &&
            read -r approvals && read -r time && IFS= read -r operator && IFS= read -r run
    } <"$work/state"
fi
if [ "$count" -gt 0 ]; then
    checkpoints_of_the_log
    runbook_of_the_log
    outputs_of_the_log
    [ "$approvals" -eq 0 ] || found 0 "$approvals signatures of approvals are in it: not checked"
fi
case $status in
    0) words='right, from its beginning to its end' ;;
    1) words='TAMPERED' ;;
    3) words='right as far as it goes, and it has no end' ;;
    4) words='right but for a torn tail' ;;
    5) words='a SIGNATURE is missing or wrong' ;;
    6) words='NOT of that runbook' ;;
    *) words='unreadable' ;;
esac
printf 'audit.jsonl: %s\n' "$words"
if [ "$count" -gt 0 ]; then
    printf '  run     %s, %s records\n' "$run" "$count"
    case $status in
        1 | 7) ;;
        *) printf '  head    %s:%s\n' "$((count - 1))" "$head" ;;
    esac
fi
while IFS= read -r finding; do
    printf '%s\n' "$finding"
done <"$work/findings"
[ "$status" -ne 0 ] || printf '  a shell cannot see whether it is a legal walk of that runbook: "runbook verify" can\n'
exit "$status"
