import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** The rooms and what each may import directly; an arrow includes all that its target may import (ARCHITECTURE.md). */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  'src/tools': ['src/base'],
  'src/comb': ['src/base'],
  'src/hdl': ['src/comb'],
  'src/arith': ['src/comb'],
  'src/net': ['src/base'],
  'src/float': ['src/net', 'src/kernels'],
  'src/quant': ['src/float', 'src/arith'],
  'src/approx': ['src/quant'],
  'src/model': ['src/quant'],
  'src/kernels': ['src/base'],
  'src/emu': ['src/approx', 'src/kernels'],
  'src/train': ['src/emu'],
  'src/plan': ['src/approx'],
  'src/arch': ['src/plan', 'src/hdl'],
  'src/synth': ['src/hdl', 'src/tools'],
  'src/explore': ['src/emu', 'src/plan', 'src/synth'],
  'src/report': [],
  'src/emit': ['src/arch', 'src/synth', 'src/report'],
  sim: ['src/plan'],
  testbench: ['sim', 'src/hdl', 'src/tools'],
  'src/flow': ['src/train', 'src/model', 'src/explore', 'src/emit', 'testbench'],
  'src/cli': ['src/flow'],
}

function reach(room: string): ReadonlySet<string> {
  const seen = new Set([room])
  const walk = (name: string) => {
    for (const next of arrows[name]!) {
      if (!seen.has(next)) {
        seen.add(next)
        walk(next)
      }
    }
  }
  walk(room)
  return seen
}

const roomOf = (path: string) =>
  path.startsWith('src/') ? path.split('/').slice(0, 2).join('/') : path.split('/')[0]!

function sources(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(directory, name))
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map((match) =>
    relative(root, resolve(root, dirname(path), match[1]!)),
  )
}

const files = ['src', 'sim', 'testbench'].flatMap(sources)

describe('the layers of the house', () => {
  it('knows every room', () => {
    expect([...new Set(files.map(roomOf))].filter((room) => arrows[room] === undefined)).toEqual([])
  })

  it('imports run downhill only', () => {
    const uphill = files.flatMap((path) => {
      const allowed = reach(roomOf(path))
      return importsOf(path)
        .filter((target) => !allowed.has(roomOf(target)))
        .map((target) => `${path} imports ${target}`)
    })
    expect(uphill).toEqual([])
  })

  it('the cycle model shares no code with the generator', () => {
    const shared = files.filter((path) => path.startsWith('sim/')).flatMap(importsOf)
    expect(shared.filter((target) => /^src\/(arch|hdl)\//.test(target))).toEqual([])
  })

  it('oracles import nothing from the project', () => {
    const own = sources('test/oracles').flatMap((path) =>
      importsOf(path).map((target) => `${path} imports ${target}`),
    )
    expect(own.filter((line) => / imports (src|sim|testbench)\//.test(line))).toEqual([])
  })
})
