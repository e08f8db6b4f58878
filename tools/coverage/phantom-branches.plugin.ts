import type { Plugin } from 'vitest/config'

const GUARDED_TYPE = /typeof ([\w$.]+) === "undefined" \? Object : \1(?![\w$.])/g

/**
 * oxc emits `typeof T === "undefined" ? Object : T` for every constructor parameter of a decorated class. Coverage counts that as a
 * branch no test can take, so a file with all lines covered shows 50 % of its branches. The type is always defined here (a missing
 * one would break Nest's injector first), so the guard is dropped; spaces keep the columns of the source map.
 */
export function dropPhantomBranches(): Plugin {
  return {
    name: 'sluice:drop-phantom-branches',
    enforce: 'post',
    transform(code, id) {
      if (!id.endsWith('.ts') || !code.includes('design:paramtypes')) return null
      return { code: code.replace(GUARDED_TYPE, (guard, type: string) => type.padEnd(guard.length)), map: null }
    },
  }
}
