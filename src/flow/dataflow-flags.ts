import { usageError } from '../base/errors.ts'

/** `[LAYER=]DATAFLOW` of the command line: one word for all layers, or, where some are named, a map of them. */
export function dataflowOf(flags: readonly string[]): string | Readonly<Record<string, string>> {
  const wanted = new Map<string, string>()
  for (const flag of flags) {
    const [layer, dataflow] = partsOf(flag)
    if (wanted.has(layer))
      throw usageError(layer === 'default' ? 'all layers are given twice' : `"${layer}" is given twice`, {
        where: `--dataflow ${flag}`,
        hint: 'Say it once; a layer of its own is named: --dataflow conv1=auto.',
      })
    wanted.set(layer, dataflow)
  }
  const all = wanted.get('default')
  return all !== undefined && wanted.size === 1 ? all : Object.fromEntries(wanted)
}

function partsOf(flag: string): readonly [layer: string, dataflow: string] {
  const equals = flag.indexOf('=')
  const [layer, dataflow] =
    equals < 0 ? ['default', flag.trim()] : [flag.slice(0, equals).trim(), flag.slice(equals + 1).trim()]
  if (layer === '' || dataflow === '')
    throw usageError(`"${flag}" names no ${layer === '' ? 'layer before' : 'dataflow after'} "="`, {
      where: '--dataflow',
      hint: 'Write --dataflow auto for all layers, or --dataflow conv1=auto for some.',
    })
  return [layer, dataflow]
}
