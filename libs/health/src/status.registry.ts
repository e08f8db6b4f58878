import { setTimeout as delay } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'
import { describeCauses } from '#libs/kernel'
import type { StatusContributor } from './status-contributor.js'

const LIMIT_MS = 1_000

/** Everything that this replica can tell about itself. */
@Injectable()
export class StatusRegistry {
  private readonly contributors = new Map<string, StatusContributor>()

  constructor(private readonly limitMs: number = LIMIT_MS) {}

  /** Throws if another contributor has the same name. */
  register(contributor: StatusContributor): void {
    if (this.contributors.has(contributor.name)) throw new Error(`status contributor "${contributor.name}" is registered twice`)
    this.contributors.set(contributor.name, contributor)
  }

  /** By name, within a second. Never rejects: a part that cannot be told holds an `error` instead. */
  async describe(): Promise<Record<string, unknown>> {
    const parts = [...this.contributors.values()].map(async (contributor) => [contributor.name, await this.ask(contributor)] as const)
    return Object.fromEntries(await Promise.all(parts))
  }

  private async ask(contributor: StatusContributor): Promise<unknown> {
    const limit = new AbortController()
    try {
      const late = delay(this.limitMs, { error: ['it does not answer'] }, { signal: limit.signal })
      return await Promise.race([tell(contributor), late])
    } catch (error) {
      return { error: describeCauses(error) }
    } finally {
      limit.abort()
    }
  }
}

async function tell(contributor: StatusContributor): Promise<unknown> {
  return contributor.describe()
}
