/** What hostile JSON is made of; every one of these was a hole in some parser. */
import { readFileSync } from "node:fs";

const many = 1200;

/** Objects: well formed or not, deep, wide, and odd in every place. */
export const hostileJson: readonly Buffer[] = [
  "{}",
  '{"a":[1,-2.5e+3,true,false,null,{}],"b":{"c":[],"d":{"e":"\\u00e4\\n\\"\\\\\\/"}}}',
  ' { "k" : [ [ ] , { } , [ [ "x" ] , 0 ] , -0 , 10e-1 ] , "t" : "\\uD83D\\uDE00" }\r',
  '{"a":1,"a":2,"\\u0061":3,"a":{"a":4}}',
  '{"__proto__":{"id":"1"},"constructor":{"prototype":null},"toString":1,"":2}',
  '{"n":[18446744073709551616,-9223372036854775808,9007199254740993,1E400,-0.0,5e-324,0.1e-7]}',
  '{"lone":"\\ud800","low":"\\udc00","turned":"\\udc00\\ud800","pair":"\\ud83d\\ude00","nul":"\\u0000"}',
  `{"a":${"[".repeat(999)}${"]".repeat(999)}}`,
  `{"a":${"[".repeat(1000)}${"]".repeat(1000)}}`,
  '{"a":'.repeat(many),
  `{"${"k".repeat(many)}":"${"v".repeat(many)}"}`,
  `{${Array.from({ length: many }, (_, index) => `"k${index}":${index}`).join(",")}}`,
  `{"a":"${"\\u0041\\n".repeat(many)}"}`,
  `{"a":[${"1,".repeat(many)}1]}`,
  '{"a":01}{"b":.5}{"c":+1}{"d":NaN}{"e":0x10}',
  "\ufeff{}",
]
  .map((text) => Buffer.from(text))
  .concat(
    ['{"a":"\xff\xc3(\xed\xa0\x80\xf5","\xc3":"\xe2\x80"}', '{"a":\xff}', '{"a":"x\x00y"}', '{"a":1}\x00'].map((text) =>
      Buffer.from(text, "latin1"),
    ),
  );

/** Split at bars. */
const jsonPieces =
  '{|}|[|]|,|:|"|\\|\t| |true|false|null|{}|[]|":|"a":|\\u|\\ud800|\\udc00|\\u0000|\\n|\\"|1e5|-0|0.5|E400|' +
  "18446744073709551616|__proto__|\xc3\xa4|\xff|\xed\xa0\x80|\xef\xbb\xbf";
const alertPieces =
  '"data"|"win"|"system"|"eventdata"|"eventID"|"4625"|"1100"|"1102"|"logFileCleared"|"id"|"timestamp"|{"timestamp":"|' +
  '"rule"|"groups"|"srcip"|"fail2ban"|"fail2ban.actions"|&|<|>|]]>|\'|&#0;|\\ufffe|\\uffff|\\u007f|\\u2028|\\ud83d\\ude00';

export const jsonWords: readonly string[] = jsonPieces.split("|");
export const alertWords: readonly string[] = [...jsonWords, ...alertPieces.split("|")];

/** Alerts that the handlers want. */
export const windowsAlert = Buffer.from(
  '{"timestamp":"2026-11-21T10:00:00.123+0100","rule":{"level":5,"id":"60122","groups":["windows","dfn"]},' +
    '"agent":{"id":"001","name":"h"},"manager":{"name":"m"},"id":"1763715600.1","data":{"win":{"system":{' +
    '"providerName":"P","providerGuid":"{g}","eventID":"4625","systemTime":"2026-11-21T09:00:00Z","keywords":"0x8",' +
    '"processID":"1","threadID":"2","channel":"Security","computer":"c"},"eventdata":{"ipAddress":"10.0.0.1",' +
    '"a\\u0000b":"<&>\\"\'\\t\\r\\n","\u00fc":"\\ud800 ]]>","n":18446744073709551616}}},"location":"EventChannel"}',
);
export const clearedAlert = Buffer.from(
  '{"timestamp":"2","id":"2.2","data":{"win":{"system":{"eventID":"1102"},' +
    '"logFileCleared":{"subjectUserName":"x","1 <bad":"y","":"z","a:b":null}}}}',
);
export const fail2banAlert = Buffer.from(
  '{"timestamp":"3","id":"3.3","rule":{"groups":["fail2ban"]},"full_log":"fail2ban2026 NOTICE [sshd] Ban 193.0.0.1",' +
    '"data":{"srcip":"193.0.0.1","program_name":"fail2ban.actions","pid":"7","severity":"NOTICE"}}',
);

/** Alerts as they occur in practice. */
export const fieldAlerts: readonly Buffer[] = readFileSync("test/data/wire/wire.jsonl", "utf8")
  .trimEnd()
  .split("\n")
  .filter((_, index) => index % 40 === 0)
  .map((line) => {
    const { alert }: { readonly alert: unknown } = JSON.parse(line);
    return Buffer.from(JSON.stringify(alert));
  });

export const alerts: readonly Buffer[] = [windowsAlert, clearedAlert, fail2banAlert, ...fieldAlerts];
