/** The scan that this process uses: that in WebAssembly, and where it cannot be had the plain one. */
import { plainForeignForm, plainInexactNumber, scanPlain } from "./plain.ts";
import { vectorKernel, type Kernel } from "./vector.ts";

/** Also what WebAssembly's is compared with. */
export const plainKernel: Kernel = {
  scanText: scanPlain,
  scannedInexactNumber: plainInexactNumber,
  scannedForeignForm: plainForeignForm,
};

export const { scanText, scannedInexactNumber, scannedForeignForm } = vectorKernel ?? plainKernel;
