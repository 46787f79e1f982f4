/**
 * What the system's package manager runs around its own work. It touches no manager, user or configuration: that is
 * wazuh-dfn-install's, which the administrator calls.
 */

const next = `echo "wazuh-dfn is in place; nothing runs yet. Go on with: wazuh-dfn-install"`;

const hasSystemd = `[ -d /run/systemd/system ]`;

/** Nothing but the time of a start depends on it. It is root's, and the forwarder never writes it. */
const codeCache = "/usr/lib/wazuh-dfn/wazuh-dfn.cache";

const makeCodeCache = `if [ -x /usr/lib/wazuh-dfn/bin/node ]; then
  (unset NODE_OPTIONS; umask 022; exec /usr/lib/wazuh-dfn/bin/node /usr/lib/wazuh-dfn/make-code-cache.cjs) </dev/null >/dev/null 2>&1 ||
    echo "wazuh-dfn: no code cache could be made, so it will start more slowly" >&2
fi`;

const removeCodeCache = `rm -f ${codeCache} ${codeCache}.new`;

/** Debian's own way asks the machine's policy-rc.d first; RPM has no such thing. */
type Invoke = "deb-systemd-invoke" | "systemctl";

const restart = (invoke: Invoke): string => `if ${hasSystemd}; then
  systemctl daemon-reload || echo "wazuh-dfn: systemctl daemon-reload failed" >&2
  ${invoke} try-restart wazuh-dfn.service || echo "wazuh-dfn: the new version does not start: journalctl -u wazuh-dfn" >&2
fi
if [ -d /etc/wazuh-dfn ]; then
  echo "wazuh-dfn: run wazuh-dfn-install once more, so that custom-dfn and the manager's rules are of this version too"
fi`;

const stop = (invoke: Invoke): string => `if ${hasSystemd}; then
  ${invoke} stop wazuh-dfn.service || echo "wazuh-dfn: could not be stopped" >&2
  systemctl --no-reload disable wazuh-dfn.service || echo "wazuh-dfn: could not be disabled" >&2
fi
echo "wazuh-dfn: what wazuh-dfn-install put into the Wazuh manager stays, and does no harm; wazuh-dfn-uninstall, called before, takes it out"`;

const reload = `if ${hasSystemd}; then
  systemctl daemon-reload || echo "wazuh-dfn: systemctl daemon-reload failed" >&2
fi`;

function script(body: string): string {
  return `#!/bin/sh\nset -e\n${body}\n`;
}

/** As dpkg calls them: `configure` with the version before, if there was one; `remove` or `upgrade`. */
export const debScripts: Readonly<Record<string, string>> = {
  postinst: script(
    `[ "$1" = configure ] || exit 0\n${makeCodeCache}\nif [ -n "$2" ]; then\n${restart("deb-systemd-invoke")}\nelse\n${next}\nfi`,
  ),
  prerm: script(`[ "$1" = remove ] || exit 0\n${stop("deb-systemd-invoke")}\n${removeCodeCache}`),
  postrm: script(`[ "$1" = remove ] || exit 0\n${reload}`),
};

/** As rpm calls them: with the number of versions that are there afterwards. */
export const rpmScripts = {
  postin: `${makeCodeCache}\nif [ "$1" -gt 1 ]; then\n${restart("systemctl")}\nelse\n${next}\nfi\n`,
  preun: `if [ "$1" -eq 0 ]; then\n${stop("systemctl")}\n${removeCodeCache}\nfi\n`,
  postun: `if [ "$1" -eq 0 ]; then\n${reload}\nfi\n`,
};
