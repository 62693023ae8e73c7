/**
 * How a circuit becomes cells. `delay`: Yosys's own script for ABC, which covers the graph for delay and then recovers area where that costs none.
 * `area`: the same preparation, covered for area, and every gate as small as there is one. `buffered`: covered for delay, then trees of buffers for nets with many sinks, and
 * every gate of the size that its load wants, as a physical flow would do it.
 */
export type MappingScript = 'delay' | 'area' | 'buffered'

export const mappingScripts: readonly MappingScript[] = ['delay', 'area', 'buffered']

export const abcScriptFile = 'abc.script'

/** What ABC does; undefined: Yosys's own. */
export const abcScripts: Readonly<Record<MappingScript, string | undefined>> = {
  delay: undefined,
  area: ['strash', 'ifraig', 'scorr', 'dc2', 'strash', 'dch -f', 'amap', 'topo', 'dnsize -D 1000000'].join(
    '; ',
  ),
  buffered: [
    'strash',
    '&get -n; &fraig -x; &put',
    'scorr',
    'dc2',
    '&get -n; &dch -f; &nf; &put',
    'buffer -c',
    'topo',
    'upsize',
    'dnsize',
  ].join('; '),
}

/** The Yosys commands. Flat: hierarchy would stand between gates that belong together. */
export function yosysScript(
  script: MappingScript,
  {
    top,
    sources,
    library,
    output,
  }: Readonly<Record<'top' | 'library' | 'output', string>> & {
    readonly sources: readonly string[]
  },
): string {
  const abc = abcScripts[script] === undefined ? '' : ` -script ${abcScriptFile}`
  return [
    `read_verilog ${sources.join(' ')}`,
    `hierarchy -check -top ${top}`,
    `synth -flatten -top ${top}`,
    `dfflibmap -liberty ${library}`,
    `abc -liberty ${library}${abc}`,
    'opt_clean -purge',
    'splitnets',
    `write_json ${output}`,
  ].join('; ')
}
