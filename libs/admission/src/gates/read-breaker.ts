import type { GateReading, Lane, RouteState } from '#libs/kernel'

/** A route that is not named is closed. */
export function readBreaker({ provider, model }: Lane, routes: readonly RouteState[]): GateReading {
  const state = routes.find((route) => route.provider === provider && route.model === model)
  return {
    gate: `breaker:${provider}/${model}`,
    name: `breaker ${provider}/${model}`,
    value: state?.failures ?? 0,
    limit: null,
    unit: 'failures in a row',
    ...judge(state),
  }
}

function judge(state: RouteState | undefined): Pick<GateReading, 'blocks' | 'waitMs' | 'detail'> {
  const why = state?.reason ?? 'its calls failed'
  switch (state?.status) {
    case 'open': {
      const leftMs = Math.max(0, Math.ceil(state.leftMs))
      const next = leftMs > 0 ? 'then one call is tried' : 'one call is to be tried now, by the first replica that has a stream'
      return { blocks: true, waitMs: leftMs, detail: `open (${why}): ${next}, and the others wait for its end` }
    }
    case 'half_open':
      return { blocks: true, waitMs: null, detail: `half-open (${why}): one call is being tried, and the others wait for its end` }
    case 'closed':
    case undefined:
      return { blocks: false, waitMs: 0, detail: 'closed' }
  }
}
