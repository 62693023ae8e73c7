/** Amounts by what they are for: names are for people, numbers add up. */
export type Amounts = Readonly<Record<string, number>>

/** What is counted, in one module alone: what its instances hold counts at theirs (docs/counts.md defines each). */
export const quantities = ['cores', 'multiplications', 'adders', 'registers', 'memoryBits'] as const
export type Quantity = (typeof quantities)[number]

/** Adders of the datapath compute values of the network; those of the control compute addresses, counts and durations. */
export type AdderClass = 'datapath' | 'control'

/** One module of a design as the plan gives it in closed form. */
export interface ModuleCount extends Readonly<Record<Quantity, Amounts>> {
  readonly module: string
  /** Instances in the whole design. */
  readonly instances: number
  /** All adders of a module are of one class, so that counts of the netlist and of Yosys, which know modules only, have classes too. */
  readonly adderClass: AdderClass
}

export type Holdings = Partial<Record<Quantity, Amounts>>

export function moduleCount(
  module: string,
  instances: number,
  adderClass: AdderClass,
  holdings: Holdings,
): ModuleCount {
  const nothing = { cores: {}, multiplications: {}, adders: {}, registers: {}, memoryBits: {} }
  return { module, instances, adderClass, ...nothing, ...holdings }
}

export const sumOf = (amounts: Amounts): number => Object.values(amounts).reduce((sum, n) => sum + n, 0)

/** Parts of one kind share their modules: instances add up, contents are the same. */
export function merged(counts: readonly ModuleCount[]): ModuleCount[] {
  const byName = new Map<string, ModuleCount>()
  for (const count of counts) {
    const other = byName.get(count.module)
    byName.set(
      count.module,
      other === undefined ? count : { ...other, instances: other.instances + count.instances },
    )
  }
  return [...byName.values()]
}
