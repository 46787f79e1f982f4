/** The fingerprint that pairing gives an alert (`fingerprintOf`), from an alert's bytes, without making texts of them. */
import { missing, rowPlace } from "./row.ts";
import { kernelRow } from "./memory.ts";

const quote = 0x22;
const backslash = 0x5c;
/** Ends each part; no part holds it. */
const separator = 0x1ffff;

/** The two halves of the fingerprint while it is made. */
const state = new Int32Array(2);

/** The members that are part of it, in their order, behind the node. */
const parts = [rowPlace.id, rowPlace.timestamp, rowPlace.agentId, rowPlace.ruleId] as const;

/**
 * @param bytes   the alert whose row is the one in the memory
 * @param node    the name of the node that wrote it
 * @param content what else distinguishes it; may be empty
 * @returns as `fingerprintOf([node, id, timestamp, agentId, ruleId, content], 0)`, each half from 0 to 2^32 - 1; undefined
 *          if the alert has no id, or one of the members has to be decoded first
 */
export function identityHash(
  bytes: Uint8Array,
  node: string,
  content: string,
): { readonly high: number; readonly low: number } | undefined {
  if (isEmpty(bytes, kernelRow[rowPlace.id]!, kernelRow[rowPlace.id + 1]!)) return undefined;
  state[0] = 0x9e3779b9;
  state[1] = 0x41c6ce57;
  mixText(node);
  for (const place of parts) if (!mixBytes(bytes, kernelRow[place]!, kernelRow[place + 1]!)) return undefined;
  mixText(content);
  let a = state[0];
  let b = state[1];
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return { high: a >>> 0, low: b >>> 0 };
}

function isEmpty(bytes: Uint8Array, start: number, end: number): boolean {
  return start === missing || (bytes[start] === quote && end - start === 2);
}

function mixText(text: string): void {
  let a = state[0]!;
  let b = state[1]!;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  state[0] = Math.imul(a ^ separator, 0x85ebca6b);
  state[1] = Math.imul(b ^ separator, 0xc2b2ae35);
}

/** @returns false if the value is not ASCII as it is */
function mixBytes(bytes: Uint8Array, start: number, end: number): boolean {
  let a = state[0]!;
  let b = state[1]!;
  const isString = start !== missing && bytes[start] === quote;
  const stop = isString ? end - 1 : end;
  for (let i = isString ? start + 1 : start; i < stop; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80 || byte === backslash) return false;
    a = Math.imul(a ^ byte, 0x9e3779b1);
    b = Math.imul(b ^ byte, 0x5f356495);
  }
  state[0] = Math.imul(a ^ separator, 0x85ebca6b);
  state[1] = Math.imul(b ^ separator, 0xc2b2ae35);
  return true;
}
