import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where what can be made again is kept: XGEN_CACHE_DIR, or xgen/ in the user's cache. It may be deleted at any time. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { XGEN_CACHE_DIR: own, XDG_CACHE_HOME: shared } = environment
  if (own !== undefined && own !== '') return own
  return join(shared !== undefined && shared !== '' ? shared : join(homedir(), '.cache'), 'xgen')
}
