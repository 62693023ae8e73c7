// What the compiler leaves to do: the bin entry must be executable when the package is run from a checkout (npm sets this only
// on install), and the kernels lie beside the module that loads them.
import { chmodSync, copyFileSync } from 'node:fs'

chmodSync(new URL('../dist/src/cli/main.js', import.meta.url), 0o755)
const kernels = 'src/kernels/kernels.wasm'
copyFileSync(new URL(`../${kernels}`, import.meta.url), new URL(`../dist/${kernels}`, import.meta.url))
