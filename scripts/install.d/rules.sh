# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# The rules for the forwarder's own events, with ids that nobody else uses.

rules_file() { printf '%s\n' "$home_dir/etc/rules/dfn_rules.xml"; }

# The first digits of the ids in the snippet; two more follow. Local rules of Wazuh have 100000 to 120000.
snippet_prefix=1117

# rule_ids: every id of every rule that the manager loads, but for our own, one a line.
rule_ids() {
  {
    printf '%s\n' ruleset/rules etc/rules
    sed -n 's:.*<rule_dir[^>]*>\([^<]*\)</rule_dir>.*:\1:p' "$work/conf"
  } | while read -r directory; do
    for file in "$home_dir/$directory"/*.xml; do
      [ -f "$file" ] && [ "$file" != "$(rules_file)" ] || continue
      LC_ALL=C tr '"' "'" <"$file" | LC_ALL=C grep -ao "<rule [^>]*" | sed -n "s/.* id *= *'\([0-9]*\)'.*/\1/p"
    done
  done
}

# choose_prefix: sets rules_prefix. What an earlier run chose stays, as long as nobody else took one of its ids since.
choose_prefix() {
  rule_ids | sort -u >"$work/ids"
  for rules_prefix in $(recorded rules_prefix) "$snippet_prefix" $(seq 1000 1199); do
    grep -Eq "^$rules_prefix[0-9][0-9]\$" "$work/ids" || return 0
  done
  fail "$code_config" "no hundred rule ids in a row are free between 100000 and 119999"
}

put_rules() {
  rules_prefix=$(recorded rules_prefix)
  rules_sum=$(recorded rules)
  if is_worker; then
    say "this node is a worker: its rules come from the master"
    return 0
  fi
  there=$(checksum "$(rules_file)")
  if [ "$there" != - ] && [ "$there" != "$rules_sum" ]; then
    warn "$(rules_file) was made or changed by hand, so it is kept as it is"
    return 0
  fi
  choose_prefix
  sed "s/\([^0-9]\)$snippet_prefix\([0-9][0-9][^0-9]\)/\1$rules_prefix\2/g" "$package/snippets/dfn_rules.xml" >"$work/rules"
  rules_sum=$(checksum "$work/rules")
  [ "$there" != "$rules_sum" ] || return 0
  put_file "$work/rules" "$(rules_file)" "$wazuh_uid" "$wazuh_gid" 0660
  manager_changed=1
}
