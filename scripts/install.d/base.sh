# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# What install and uninstall share: words, options, where things are. Sourced, never run.
# Read by the parts that are sourced after this one:
# shellcheck disable=SC2034

tab=$(printf '\t')
newline='
'
# Exit codes as in sysexits.h.
code_usage=64
code_missing=69
code_io=74
code_permission=77
code_config=78

changes=0
is_dry=0
is_yes=0
no_restart=0
root=
home=/var/ossec

say() { printf '%s\n' "$*"; }

warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# fail CODE TEXT: what is wrong, where, and what to do. The trap on EXIT undoes what was begun.
fail() {
  code=$1
  shift
  warn "$*"
  exit "$code"
}

# announce TEXT: counts and prints a change. False in a dry run, so that `announce ... || return 0` makes none.
announce() {
  changes=$((changes + 1))
  if [ "$is_dry" = 1 ]; then
    say "would $*"
    return 1
  fi
  say "$*"
}

# absolute OPTION DIR: a path below which files are kept; no blanks, because the journal, Wazuh and systemd split at them.
absolute() {
  case $2 in
    *[!A-Za-z0-9/._+-]*) fail "$code_usage" "$1: \"$2\" contains a character that is not allowed; use letters, digits and / . _ + -" ;;
    /*) ;;
    *) fail "$code_usage" "$1: \"$2\" must begin with /" ;;
  esac
  case /$2/ in */../* | */./*) fail "$code_usage" "$1: \"$2\" must not contain . or .." ;; esac
}

# Options of both commands. Sets `taken` to the number of words it used; 0 when the option is another's.
shared_option() {
  taken=1
  case $1 in
    --yes) is_yes=1 ;;
    --dry-run) is_dry=1 ;;
    --no-restart) no_restart=1 ;;
    --root | --wazuh-home)
      [ $# -ge 2 ] || fail "$code_usage" "$1 needs a directory"
      absolute "$1" "$2"
      if [ "$1" = --root ]; then root=${2%/}; else home=${2%/}; fi
      taken=2
      ;;
    *) taken=0 ;;
  esac
}

# Fixes where everything is. `root` is empty for this machine.
set_places() {
  conf_dir=$root/etc/wazuh-dfn
  state_dir=$root/var/lib/wazuh-dfn
  lib=$root/usr/lib/wazuh-dfn
  # What is needed to undo and to take out: for root alone.
  record_dir=$conf_dir/install
  record=$record_dir/record
  journal=$record_dir/journal
  undo_dir=$record_dir/undo
  stage=$root/etc/.wazuh-dfn-install
  home_dir=$root$home
  ossec_conf=$home_dir/etc/ossec.conf
}

need_root() {
  [ "$(id -u)" = 0 ] || fail "$code_permission" "this needs root: run it with sudo"
}

# One run at a time. The lock is on a directory that is always there, so it leaves no file, and goes with the process.
take_lock() {
  exec 9<"$root/etc"
  flock -n 9 || fail "$code_missing" "another installation of wazuh-dfn is running; wait until it has ended"
}

# Asks a person; without a terminal nobody answers, so nothing is done.
confirm() {
  [ "$is_yes" = 1 ] && return 0
  [ -t 0 ] || fail "$code_usage" "nobody is there to answer: use --yes to continue without a question"
  printf '%s [y/N] ' "$1"
  read -r answer || answer=
  case $answer in y | Y | yes) return 0 ;; esac
  say "nothing was changed"
  exit 0
}

# as_seen PATH: the path as the installed system sees it.
as_seen() { printf '%s\n' "${1#"$root"}"; }

# has_record: whether an installation was finished here before.
has_record() { [ -f "$record" ]; }

# recorded KEY: the value that the last installation noted; empty if there is none.
recorded() {
  has_record || return 0
  awk -v key="$1" '$1 == key { print $2; exit }' "$record"
}

# recorded_all KEY: every value of that key, one a line, in the order in which it was put in.
recorded_all() {
  has_record || return 0
  awk -v key="$1" '$1 == key { print $2 }' "$record"
}

# checksum FILE: its SHA-256, or - if it does not exist.
checksum() {
  if [ -f "$1" ]; then sha256sum <"$1" | cut -d ' ' -f 1; else say -; fi
}

attributes() { stat -c '%u:%g %a' "$1"; }
