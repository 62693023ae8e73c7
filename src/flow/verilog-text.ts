import { dataError } from '../base/errors.ts'

/** System functions of expressions; every other one does something besides computing. */
const functions = ['$signed', '$unsigned', '$clog2', '$bits', '$rtoi', '$itor']
const directives = [
  'define',
  'undef',
  'ifdef',
  'ifndef',
  'elsif',
  'else',
  'endif',
  'timescale',
  'default_nettype',
  'resetall',
  'celldefine',
  'endcelldefine',
]

/**
 * Refuses text that could do more than describe a circuit, before any tool reads it: system tasks ($system, $readmemh, ...), included
 * files, directives of one tool. Gives the names of the modules.
 */
export function checkVerilogText(text: string, file: string): readonly string[] {
  const named = withoutComments(text)
  // an escaped name means nothing, whatever characters it has; but to some tools one with a $ in front is the system task
  const code = named.replace(/\\(?!\$)\S+/g, (name) => '_'.repeat(name.length))
  const at = (index: number) => {
    const before = code.slice(0, index).split('\n')
    return `${file}:${before.length}:${before.at(-1)!.length + 1}`
  }
  if (text.includes('\0')) throw dataError('is no text', { where: file })
  for (const { index, 0: name } of code.matchAll(/\$[\w$]*/g)) {
    if (!functions.includes(name))
      throw dataError(`uses ${name === '$' ? 'a $ without a name' : name}`, {
        where: at(index),
        hint: `A multiplier computes and does nothing else. Of the system functions, ${functions.join(', ')} are known.`,
      })
  }
  // Foreign functions (DPI) would run what they name.
  for (const { index, 0: word } of code.matchAll(/\b(?:import|export|bind)\b/g))
    throw dataError(`uses ${word}`, {
      where: at(index),
      hint: 'All that the module needs must stand in its own file.',
    })
  const macros = new Set([...code.matchAll(/`define\s+(\w+)/g)].map(([, name]) => name!))
  for (const { index, 1: name } of code.matchAll(/`(\w*)/g)) {
    if (!directives.includes(name!) && !macros.has(name!))
      throw dataError(`uses \`${name}`, {
        where: at(index),
        hint: 'All that the module needs must stand in its own file.',
      })
  }
  return [...named.matchAll(/\b(?:macro)?module\s+(\\\S+|\w+)/g)].map(([, name]) => name!)
}

/** Modules that the text names once only: no other instantiates them. */
export function unusedModules(text: string, modules: readonly string[]): readonly string[] {
  const words = withoutComments(text).match(/\\\S+|[\w$]+/g) ?? []
  return modules.filter((name) => words.filter((word) => word === name).length === 1)
}

/** The same text, blanks where comments and strings were. An escaped name (`\\"`) begins neither. */
function withoutComments(text: string): string {
  return text.replace(/\\\S+|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:\\.|[^"\\\n])*"/g, (found) =>
    found.startsWith('\\') ? found : found.replace(/[^\n]/g, ' '),
  )
}
