/** The kernel that this process uses: that in WebAssembly, and where it cannot be had the plain one. */
import { plainForeignForm, plainInexactNumber, scanPlain } from "./plain.ts";
import { fillPlainRow } from "./row.ts";
import { vectorKernel, type Kernel } from "./vector.ts";

/** Also what WebAssembly's is compared with. */
export const plainKernel: Kernel = {
  scanText: scanPlain,
  scannedInexactNumber: plainInexactNumber,
  scannedForeignForm: plainForeignForm,
  fillRow: fillPlainRow,
};

export const { scanText, scannedInexactNumber, scannedForeignForm, fillRow } = vectorKernel ?? plainKernel;
