/**
 * Area and energy of memories, which are not synthesised: a stated model instead. Published figures of one technology, scaled to another one by its feature size and
 * supply voltage.
 */
export interface Technology {
  /** Feature size in nm. */
  readonly node: number
  /** Supply voltage in V. */
  readonly voltage: number
}

export interface MemoryEstimate {
  readonly kind: 'registers' | 'sram'
  readonly bits: number
  /** um2. */
  readonly area: number
  /** pJ for a word read, and for a word written. */
  readonly readEnergy: number
  readonly writeEnergy: number
}

/** Where the numbers come from: the report shows it. */
export const memorySources = {
  registers:
    'registers: 5.98 um2 and 0.009 pJ a bit (Aladdin, 40 nm class), for memories of no more than 16 words or 512 bits',
  sram: 'SRAM: 10 pJ for 64 bits of 8 KB at 45 nm and 0.9 V, growing with the square root of the size (Horowitz, ISSCC 2014: 10, 20 and 100 pJ for 8 KB, 32 KB and 1 MB); cells of 0.346 um2 (Mistry et al., IEDM 2007), which are half of the area',
  dram: 'DRAM: 1.95 nJ for 64 bits (Horowitz, ISSCC 2014: 1.3 to 2.6 nJ), in any technology',
  scaling:
    'energy scales with feature size and the square of the voltage, area with the square of the feature size',
} as const

/** The technology of the published figures. */
const reference: Technology = { node: 45, voltage: 0.9 }
const registers = { words: 16, bits: 512, area: 5.98, energy: 0.009, node: 40 } as const
const sram = { energy: 10, bits: 64, size: 8 * 8192, cell: 0.346, share: 0.5 } as const
const dram = { energy: 1950, bytes: 8 } as const

/** Feature sizes of the libraries that xgen knows by name, nm: Liberty files do not say them. */
const featureSizes: Readonly<Record<string, number>> = {
  osu018: 180,
  osu035: 350,
  sg13g2: 130,
  sky130hd: 130,
}

/** The technology of a library by its name, unless `node` says it; undefined where neither does. */
export function technologyOf(
  library: { readonly name: string; readonly content: { readonly voltage: number } },
  node = featureSizes[library.name],
): Technology | undefined {
  return node === undefined ? undefined : { node, voltage: library.content.voltage }
}

/** A memory of `words` words of `width` bits. */
export function estimateMemory(words: number, width: number, technology: Technology): MemoryEstimate {
  const bits = words * width
  const voltage = (technology.voltage / reference.voltage) ** 2
  if (words <= registers.words || bits <= registers.bits) {
    const shrink = technology.node / registers.node
    const energy = width * registers.energy * shrink * voltage
    return {
      kind: 'registers',
      bits,
      area: bits * registers.area * shrink ** 2,
      readEnergy: energy,
      writeEnergy: energy,
    }
  }
  const shrink = technology.node / reference.node
  const energy = sram.energy * (width / sram.bits) * Math.sqrt(bits / sram.size) * shrink * voltage
  return {
    kind: 'sram',
    bits,
    area: (bits * sram.cell * shrink ** 2) / sram.share,
    readEnergy: energy,
    writeEnergy: energy,
  }
}

/** pJ for a byte that comes from or goes to memory outside of the chip. */
export const dramEnergyPerByte = dram.energy / dram.bytes
