import { rotatedPlace } from '../../src/plan/rotation.ts'
import { bankDelay, bankUsed, type RowEngine, type RowLayer } from '../../src/plan/row/plan.ts'
import type { EventCounter } from '../events.ts'
import type { RowBanks } from './banks.ts'
import type { CommandLine, Issued } from './line.ts'

/** The input lines: each reads a bank, and has a register for each kernel row. */
export interface InputLines {
  /** Raw codes, [line][stage]. */
  readonly stages: Int32Array
  /** Those of stage 0. */
  readonly activation: Int32Array
  clock(cycle: number, layer: RowLayer | undefined): void
  reset(): void
}

export function inputLines(
  plan: RowEngine,
  line: CommandLine,
  memory: RowBanks,
  counter: EventCounter,
): InputLines {
  const depth = plan.stages
  const stages = new Int32Array(plan.banks * depth)
  const activation = new Int32Array(plan.banks)
  // between the bank and stage 0
  const word = new Int32Array(plan.banks)
  const keep = new Uint8Array(plan.banks)

  const read = (bank: number, { layer, pass, column, kernelX }: Issued): boolean => {
    const { layout, stride, padding } = layer
    const x = column * stride[1] + kernelX - padding[1]
    const y = pass.rowFold * layout.period + (bank % layout.lines) - layout.top
    if (x < 0 || x >= layout.width || y < 0 || y >= layout.height) return false
    const at = pass.group * layer.channelFolds + pass.channelFold
    counter.add('bankReads', pass.layer, 1)
    if (layout.rotated !== undefined) {
      const place = rotatedPlace(layout.rotated, at, y, x)
      word[bank] = memory.read(place.bank, place.address)
      return true
    }
    word[bank] = memory.read(bank, layout.base + (at * layout.blocks + pass.rowFold) * layout.width + x)
    return true
  }

  return {
    stages,
    activation,
    clock(cycle, layer) {
      for (let bank = 0; bank < plan.banks; bank++) {
        const base = bank * depth
        for (let stage = depth - 1; stage > 0; stage--) stages[base + stage] = stages[base + stage - 1]!
        stages[base] = keep[bank] === 1 ? word[bank]! : 0
        activation[bank] = stages[base]!
        keep[bank] = 0
        if (layer === undefined || !bankUsed(layer, bank)) continue
        const issued = line.issued[line.slot(cycle - bankDelay(layer, bank))]
        if (issued !== undefined && read(bank, issued)) keep[bank] = 1
      }
    },
    reset() {
      keep.fill(0)
    },
  }
}
