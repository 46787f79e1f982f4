# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# The forwarder's configuration: written when there is none, never changed after that.

# ask NAME TEXT PATTERN: at a terminal, asks for what no option gave, until it is well formed.
ask() {
  eval "value=\$$1"
  while ! matches "$value" "$3"; do
    [ -z "$value" ] || warn "\"$value\" is not well formed"
    if [ ! -t 0 ] || [ "$is_yes" = 1 ]; then return 1; fi
    printf '%s: ' "$2"
    read -r value || return 1
  done
  eval "$1=\$value"
}

# matches TEXT PATTERN: as a whole, and it is one line.
matches() { printf '%s\n' "$1" | grep -Eqx "$2" && [ "$(printf '%s\n' "$1" | grep -c '')" = 1 ]; }

# gather_settings: from options and, at a terminal, by questions.
gather_settings() {
  choose_manifests
  if [ -f "$conf_dir/config.yaml" ]; then
    [ -z "$broker$customer_id$ca$cert$key$own_network" ] ||
      warn "$(as_seen "$conf_dir")/config.yaml exists and is kept: --broker, --customer-id, --own-network, --ca, --cert and --key are ignored"
    return 0
  fi
  ask broker "Kafka brokers, host:port, separated by commas" \
    '([A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}(,([A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5})*' ||
    fail "$code_usage" "--broker host:port is needed"
  ask customer_id "Customer id, which is also the topic" '[A-Za-z0-9._-]{1,249}' ||
    fail "$code_usage" "--customer-id is needed: letters, digits and . _ -"
  if [ -t 0 ] && [ "$is_yes" = 0 ]; then
    [ -n "$own_network" ] || ask_once own_network "Own networks, e.g. 192.0.2.0/24 (empty: none)"
    [ -n "$ca" ] || ask_once ca "File with the broker's CA (empty: the system's)"
    [ -n "$cert" ] || ask_once cert "File with the client certificate (empty: none)"
    [ -z "$cert" ] || [ -n "$key" ] || ask_once key "File with its private key"
  fi
  matches "$own_network" '[0-9a-fA-F.:/,]*' || fail "$code_usage" "--own-network \"$own_network\" is not well formed"
  [ -n "$cert" ] && [ -n "$key" ] || [ -z "$cert$key" ] || fail "$code_usage" "--cert and --key belong together"
  take_given ca "$ca"
  take_given cert "$cert"
  take_given key "$key"
}

# choose_manifests: a configuration with a section of its own about manifests says which key there is.
choose_manifests() {
  [ -n "$manifests" ] || return 0
  matches "$manifests" '[A-Za-z0-9._-]{1,249}' ||
    fail "$code_usage" "--manifests \"$manifests\" is not a topic: letters, digits and . _ -"
  [ "$manifests" != "$customer_id" ] ||
    fail "$code_usage" "--manifests $manifests is the topic of the customer id, whose readers expect alerts: name a topic of its own"
  has_manifest_section || return 0
  if grep -Fq "$(as_seen "$conf_dir/manifest.pem")" "$conf_dir/config.yaml"; then return 0; fi
  warn "$(as_seen "$conf_dir")/config.yaml has a section about manifests and is kept: --manifests is ignored"
  manifests=
}

has_manifest_section() { [ -f "$conf_dir/config.yaml" ] && grep -q '^manifest *:' "$conf_dir/config.yaml"; }

# take_given NAME FILE: read once, from where a person said. Not through links that others have put there: it is copied to
# where group wazuh may read it.
take_given() {
  [ -n "$2" ] || return 0
  tree take --from "$2" --into "$work/given.$1" || fail "$code_missing" "$2 cannot be read: $(said)"
}

ask_once() {
  printf '%s: ' "$2"
  read -r value || value=
  eval "$1=\$value"
}

# The private key is for the forwarder alone: group wazuh holds every daemon of the manager.
put_config() {
  if [ -f "$conf_dir/config.yaml" ]; then
    let_forwarder_read "$conf_dir/config.yaml"
    return 0
  fi
  tls=on
  if [ -n "$ca$cert" ]; then
    tls=
    add_file ca "$ca" 0 "$wazuh_gid" 0640
    add_file cert "$cert" 0 "$wazuh_gid" 0640
    add_file key "$key" "$forwarder_uid" 0 0400
    tls="{ ${tls#, } }"
  fi
  {
    say "# Written by wazuh-dfn-install, which never changes it again. All settings: wazuh-dfn config sample"
    say "# After a change: wazuh-dfn check, then systemctl reload wazuh-dfn"
    say "dfn:"
    say "  customer_id: \"$customer_id\" # also the Kafka topic"
    [ -z "$own_network" ] || say "  own_network: [$(quoted_list "$own_network")]"
    if [ "$home" != /var/ossec ]; then
      say "wazuh:"
      say "  home: \"$home\""
      say "sources:"
      say "  tail: { path: \"$home/logs/alerts/alerts.json\" }"
    fi
    say "sink:"
    say "  kafka:"
    say "    brokers: [$(quoted_list "$broker")]"
    say "    tls: $tls"
    [ -z "$manifests" ] || manifest_section
  } >"$work/config.yaml"
  put_file "$work/config.yaml" "$conf_dir/config.yaml" 0 "$wazuh_gid" 0640
}

manifest_section() {
  say "manifest:"
  say "  topic: \"$manifests\""
  say "  key_file: \"$(as_seen "$conf_dir/manifest.pem")\""
}

# The key that signs manifests is made once and never replaced, because the other side knows its public part.
put_manifest_key() {
  [ -n "$manifests" ] || return 0
  if [ -e "$conf_dir/manifest.pem" ] || [ -L "$conf_dir/manifest.pem" ]; then return 0; fi
  if [ "$is_dry" = 0 ]; then
    (umask 077 && "$package/bin/node" -e "$make_key" >"$work/manifest.pem") </dev/null 9<&- ||
      fail "$code_missing" "cannot make a key for manifests"
  fi
  put_file "$work/manifest.pem" "$conf_dir/manifest.pem" "$forwarder_uid" 0 0400
}
make_key='const pem = { format: "pem", type: "pkcs8" };
process.stdout.write(require("crypto").generateKeyPairSync("ed25519").privateKey.export(pem));'

# say_manifest_key: what the other side needs, and what is left to a person where the configuration was there before.
say_manifest_key() {
  [ -n "$manifests" ] || return 0
  public=$("$package/bin/node" "$package/wazuh-dfn.cjs" manifest key "$conf_dir/manifest.pem" 2>"$work/public" </dev/null 9<&-) || {
    warn "the public part of the key for manifests cannot be printed: $(head -n 1 "$work/public" | head -c 400)"
    return 0
  }
  if ! has_manifest_section; then
    say "manifests are off until $(as_seen "$conf_dir")/config.yaml has these lines, and  systemctl reload wazuh-dfn  was called:"
    manifest_section
  fi
  say "the public part of the key that signs the manifests of this node: $public"
  say "whoever reads the topics needs it, by another way than Kafka: wazuh-dfn verify --key NODE=KEY; wazuh-dfn manifest key prints it again"
}

# let_forwarder_read FILE: one that a person made has that person's rights. A link is left to whoever made it: where the
# file behind it may not be read, the check that follows says so.
let_forwarder_read() {
  [ ! -L "$1" ] || return 0
  before=$(attributes "$1")
  owner=${before%%:*}
  group=${before#*:}
  mode=${group#* }
  group=${group% *}
  # An owner, and a member of the group, are judged by their own digit alone.
  if [ "$owner" = "$forwarder_uid" ] && [ "$owner" != 0 ]; then
    needed=0400
  elif [ "$group" = "$wazuh_gid" ]; then
    needed=0040
  else
    needed=0004
  fi
  [ $((0$mode & needed)) = 0 ] || return 0
  announce "let the forwarder read $(as_seen "$1") (group wazuh)" || return 0
  note attributes "$1" "${before% *},$mode"
  if [ "$needed" = 0400 ]; then chmod u+r "$1"; else chgrp "$wazuh_gid" "$1" && chmod g+r "$1"; fi ||
    fail "$code_io" "cannot set group and mode of $1"
}

quoted_list() { printf '"%s"' "$1" | sed 's/,/", "/g'; }

# add_file NAME SOURCE UID GID MODE: copies a certificate or key, and names it in `tls`.
add_file() {
  [ -n "$2" ] || return 0
  target=$conf_dir/$1.pem
  tls="$tls, $1: \"$(as_seen "$target")\""
  if [ "$(readlink -f "$2")" != "$target" ] && [ -e "$target" ] && ! cmp -s "$work/given.$1" "$target"; then
    fail "$code_config" "$target exists and is not $2: remove one of them"
  fi
  put_file "$work/given.$1" "$target" "$3" "$4" "$5"
}

# The forwarder's own judgement of its configuration, with its own rights, so that a certificate or key that it may not
# read is found before anything of the manager is touched.
check_config() {
  [ "$is_dry" = 0 ] || return 0
  set -- setpriv --reuid "$forwarder_uid" --regid "$wazuh_gid" --clear-groups
  in_root "$@" true 2>"$work/config-check" || set --
  in_root "$@" /usr/bin/wazuh-dfn check >"$work/config-check" 2>&1
  case $? in
    0 | 125) return 0 ;;
  esac
  cat "$work/config-check" >&2
  fail "$code_config" "the forwarder's configuration is wrong, see above; fix $(as_seen "$conf_dir")/config.yaml or the options"
}
