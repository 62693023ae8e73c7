import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory, openScratch } from '../src/tools/cache.ts'
import { runTool, toolFailed } from '../src/tools/tool.ts'
import { findToolchain } from './toolchain.ts'
import { buildSimulator } from './verilator.ts'

/** The products of a multiplier core under Verilator, as codes, for pairs of operand codes. Fails with `tool-missing` without it. */
export async function verilatedProducts(
  top: string,
  verilog: ReadonlyMap<string, string>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  signal: AbortSignal,
): Promise<BigUint64Array> {
  const tools = await findToolchain(signal)
  const harness = { file: 'harness-product.cpp', macros: {} }
  const { simulator } = await buildSimulator({ top, verilog, visible: [], harness }, tools, signal)
  const scratch = openScratch(cacheDirectory())
  try {
    const [pairs, products] = [join(scratch.work, 'pairs'), join(scratch.work, 'products')]
    const words = new Uint32Array(2 * a.length)
    for (let i = 0; i < a.length; i++) {
      words[2 * i] = a[i]!
      words[2 * i + 1] = b[i]!
    }
    writeFileSync(pairs, words)
    const run = {
      name: 'the simulator',
      file: simulator,
      made: true,
      args: [pairs, products],
      cwd: scratch.work,
      log: scratch.log('simulator'),
      signal,
      timeoutSeconds: 600,
    }
    await runTool(run)
    const bytes = readFileSync(products)
    if (bytes.length !== 8 * a.length) throw toolFailed(run, `wrote ${bytes.length / 8} products`)
    scratch.forgetLogs()
    return new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  } finally {
    scratch.close()
  }
}
