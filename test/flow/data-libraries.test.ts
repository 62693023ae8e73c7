import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { silent } from '../../src/base/progress.ts'
import { fetchData, listData, verifyData } from '../../src/flow/data.ts'
import { dataDirectory } from '../../src/net/data/store.ts'
import { knownLibraries, openLibrary } from '../../src/synth/libraries.ts'

const real = dataDirectory()
/** The published file of a library, where the data directory has it. */
function publishedText(files: readonly string[]): Buffer | undefined {
  for (const file of files)
    try {
      const bytes = readFileSync(file)
      return file.endsWith('.gz') ? gunzipSync(bytes) : bytes
    } catch {
      // it may be the other one
    }
  return undefined
}

const directory = mkdtempSync(join(tmpdir(), 'xgen-libraries-'))
const served = new Map<string, Buffer>()
const asked: string[] = []
let server: Server
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const contents = served.get(request.url ?? '')
    if (contents === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-length': contents.length }).end(contents)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // the network, of which only the published addresses exist
  const fetchReally = globalThis.fetch
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const { protocol, pathname } = new URL(url)
    expect(protocol).toBe('https:')
    return fetchReally(`http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`, init)
  })
})
afterAll(() => {
  vi.unstubAllGlobals()
  server.close()
  rmSync(directory, { recursive: true, force: true })
})
afterEach(() => {
  vi.unstubAllEnvs()
  served.clear()
  asked.length = 0
})

const options = { progress: silent, signal: new AbortController().signal, offline: false }

const fetched = knownLibraries.filter(({ published }) => published !== undefined)

describe.each(fetched.map((library) => [library.name, library] as const))(
  'the library %s',
  (name, library) => {
    const { url, name: fileName } = library.published!
    const { pathname } = new URL(`${url}${fileName}`)

    it('is fetched from where it is published, checked and read', async (context) => {
      const text = publishedText(library.files(real))
      if (text === undefined) return context.skip(`not run: no data (${library.install})`)
      const own = join(directory, `${name}-whole`)
      vi.stubEnv('XGEN_DATA_DIR', own)
      served.set(pathname, text)
      expect(await fetchData(name, options)).toMatchObject({
        present: true,
        fetched: [fileName],
        images: null,
      })
      expect(asked).toEqual([pathname])
      expect(readdirSync(join(own, name))).toEqual([fileName])
      expect(verifyData(name, silent)).toEqual([{ file: `${name}/${fileName}`, ok: true }])
      expect((await openLibrary(name, { data: own })).content.cells.size).toBeGreaterThan(50)
      expect(await fetchData(name, { ...options, offline: true })).toMatchObject({ fetched: [] })

      // packed by hand it is as good
      writeFileSync(join(own, name, `${fileName}.gz`), gzipSync(text, { level: 1 }))
      rmSync(join(own, name, fileName))
      expect(await fetchData(name, options)).toMatchObject({ present: true, fetched: [] })
      expect(verifyData(name, silent)).toEqual([{ file: `${name}/${fileName}.gz`, ok: true }])
      expect(asked).toEqual([pathname])
    })

    it('is not kept where the server has another one, or none', async () => {
      const own = join(directory, `${name}-other`)
      vi.stubEnv('XGEN_DATA_DIR', own)
      served.set(pathname, Buffer.alloc(library.published!.bytes, ' '))
      await expect(fetchData(name, options)).rejects.toMatchObject({
        kind: 'data',
        message: expect.stringMatching(/is corrupt: SHA-256/),
      })
      served.clear()
      await expect(fetchData(name, options)).rejects.toMatchObject({
        kind: 'data',
        message: expect.stringMatching(/the server answered 404/),
      })
      expect(readdirSync(join(own, name))).toEqual([])
      expect(listData().find((data) => data.name === name)).toMatchObject({ present: false })
    })
  },
)
