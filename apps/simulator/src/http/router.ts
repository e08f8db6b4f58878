import type { Route } from './route.js'

export interface RouteMatch {
  readonly route: Route
  /** The part of the path that stands for `{id}`, decoded; empty where there is none. */
  readonly parameter: string
}

export type MethodRoutes = Readonly<Record<string, Route>>

/**
 * Exact paths are one Map lookup, with the match object made beforehand. Paths with an id (`/files/{id}/content`) are tried after.
 */
export class Router {
  readonly #exact = new Map<string, Map<string, RouteMatch>>()
  readonly #withId: { before: string; after: string; methods: MethodRoutes }[] = []

  add(path: string, methods: MethodRoutes): void {
    const [before, after] = path.split('{id}')
    if (before !== undefined && after !== undefined) {
      this.#withId.push({ before, after, methods })
      return
    }
    const matches = Object.entries(methods).map(([method, route]) => [method, { route, parameter: '' }] as const)
    this.#exact.set(path, new Map(matches))
  }

  /** The status is 404 for an unknown path, 405 for a known one with another method. */
  find(method: string, path: string): RouteMatch | 404 | 405 {
    const exact = this.#exact.get(path)
    if (exact !== undefined) return exact.get(method) ?? 405
    for (const { before, after, methods } of this.#withId) {
      const parameter = path.slice(before.length, path.length - after.length)
      if (parameter === '' || parameter.includes('/') || !path.startsWith(before) || !path.endsWith(after)) continue
      const route = methods[method]
      return route === undefined ? 405 : { route, parameter: decode(parameter) }
    }
    return 404
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
