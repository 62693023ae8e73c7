import { writeFileSync } from 'node:fs'
import { compileKernels, kernelFile } from './kernels/compile.ts'

/** Builds src/kernels/kernels.wasm from its AssemblyScript sources: npm run kernels. */
writeFileSync(kernelFile, await compileKernels())
