/**
 * The kernel's memory: what a scan reads and what it finds, in numbers at fixed places. Laid out once and never grown,
 * so the views of it stay valid for the life of the process. Pages are taken from the system when they are first used.
 */

/** Deepest nesting that is accepted; the outermost object is level 1. */
export const maxDepth = 1000;

/**
 * Numbers on the tape for each member of an object: start and end of its key with the quotes, start and end of its
 * value, and the place on the tape behind the members of that value. A member's own members follow it. A member takes
 * at least as many bytes (`"":0,`), so a tape as long as the text has room for all.
 */
export const memberSize = 5;

/** Maximum length of a text that is scanned here; longer ones are for `Scanner`. Bytes. */
export const longestText = 1024 * 1024;

/** Room behind the longest text: for the byte that ends it, and because its end may be read by words. */
const marginBytes = 64;

const numberBytes = 4;
const tapeAt = longestText + marginBytes;
const openedAt = tapeAt + longestText * numberBytes;
const ownersAt = openedAt + maxDepth * numberBytes;
const rowAt = ownersAt + maxDepth * numberBytes;
const rowPlaces = 22;
const memoryBytes = rowAt + rowPlaces * numberBytes;

const memory = new ArrayBuffer(memoryBytes);

/** What is scanned. */
export const kernelText = new Uint8Array(memory, 0, tapeAt);
/** The same, to read several bytes at once from any index. */
export const kernelView = new DataView(memory, 0, tapeAt);
/** Where the members of the text's object are; see `memberSize`. Indices count from the start of the scanned text. */
export const kernelTape = new Int32Array(memory, tapeAt, longestText);
/** Of the containers that are open during a scan: where each begins. */
export const openedContainers = new Int32Array(memory, openedAt, maxDepth);
/** The same for the place on the tape of the member whose value it is, or `noOwner`. */
export const containerOwners = new Int32Array(memory, ownersAt, maxDepth);
/** The outermost object and elements of an array are not the value of a member. */
export const noOwner = -1;
/** Where the members are that name an alert (`row.ts`). */
export const kernelRow = new Int32Array(memory, rowAt, rowPlaces);
