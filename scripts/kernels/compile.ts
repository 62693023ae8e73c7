import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'

const root = resolve(import.meta.dirname, '../..')
export const kernelFile = join(root, 'src/kernels/kernels.wasm')

// The memory is that of src/kernels/memory.ts: shared, of at most 2 GiB.
const flags = ['-O3', '--enable', 'simd,threads', '--runtime', 'stub']
const memory = ['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '32768']

/** The kernels as AssemblyScript compiles them now. */
export async function compileKernels(): Promise<Buffer> {
  const directory = mkdtempSync(join(tmpdir(), 'xgen-kernels-'))
  try {
    const out = join(directory, 'kernels.wasm')
    const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js')
    const source = 'src/kernels/assembly/index.ts'
    await execa(process.execPath, [compiler, source, '-o', out, ...flags, ...memory], { cwd: root })
    return readFileSync(out)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
