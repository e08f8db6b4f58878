import type { Lane } from '#libs/kernel'

/** A lane whose parts are those of the others but for these. */
export function makeLane(fields: Partial<Lane> = {}): Lane {
  return { provider: 'gigachat', model: 'GigaChat-2', tenant: 'default', ...fields }
}
