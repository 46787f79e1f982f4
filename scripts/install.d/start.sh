# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# The forwarder's unit: in place, enabled, running.

systemd_runs() { [ -z "$root" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

unit_dir() { printf '%s\n' "$root/etc/systemd/system"; }

# Where the manager has another home than the unit says.
put_home_dropin() {
  dropin=$(unit_dir)/wazuh-dfn.service.d
  if [ "$home" = /var/ossec ]; then return 0; fi
  {
    say "[Service]"
    for setting in TemporaryFileSystem BindReadOnlyPaths; do
      say "$setting="
      sed -n "/^$setting=/s:/var/ossec:$home:gp" "$package_root/usr/lib/systemd/system/wazuh-dfn.service"
    done
  } >"$work/dropin"
  put_parents "$dropin"
  put_file "$work/dropin" "$dropin/wazuh-home.conf" 0 0 0644
}

put_unit_enabled() {
  [ -d "$root/usr/lib/systemd" ] || [ -d "$root/lib/systemd" ] || return 0
  put_parents "$(unit_dir)/multi-user.target.wants"
  put_link /usr/lib/systemd/system/wazuh-dfn.service "$(unit_dir)/multi-user.target.wants/wazuh-dfn.service"
}

# Noted first, so undone last: when the former files are back.
note_unit() {
  systemd_runs || return 0
  if systemctl is-active -q wazuh-dfn; then note unit restart; else note unit reload; fi
}

# start_forwarder: resolves when it says that it is ready. A running one is only restarted for a new version.
start_forwarder() {
  if ! systemd_runs; then
    say "systemd does not run here: start the forwarder with  wazuh-dfn run"
    return 0
  fi
  if ! systemctl is-active -q wazuh-dfn; then
    announce "start the forwarder" || return 0
    note unit stop
  else
    [ "$replaced_lib" = 1 ] || [ "$(recorded version)" != "$version" ] || return 0
    announce "restart the forwarder" || return 0
  fi
  systemctl daemon-reload && systemctl restart wazuh-dfn 9<&- || {
    journalctl -u wazuh-dfn -n 10 --no-pager >&2 2>/dev/null
    fail "$code_missing" "the forwarder does not start; see: journalctl -u wazuh-dfn"
  }
}

# unit_undo stop|reload|restart
unit_undo() {
  systemd_runs || return 0
  case $1 in
    stop) ! systemctl is-active -q wazuh-dfn || systemctl stop wazuh-dfn ;;
    reload) systemctl daemon-reload ;;
    restart) systemctl daemon-reload && systemctl restart wazuh-dfn 9<&- ;;
  esac
}
