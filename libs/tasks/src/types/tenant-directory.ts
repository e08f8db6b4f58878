import { TaskError, type TenantRules } from '#libs/kernel'

/** Any topic that is not named by itself. */
export const ANY_TOPIC = '*'

/** What a tenant may reach. */
export interface Tenant extends TenantRules {
  /** undefined: every type that does not exclude the tenant itself. */
  readonly taskTypes?: readonly string[]
  /** undefined: every model that the type allows. */
  readonly models?: readonly string[]
}

export type TenantResolution = { readonly tenant: Tenant; readonly error?: never } | { readonly error: TaskError; readonly tenant?: never }

/** Which tenants may send on which topic: the topic decides, since a message could name anybody. */
export class TenantDirectory {
  private readonly byName: ReadonlyMap<string, Tenant>

  constructor(
    readonly all: readonly Tenant[],
    private readonly namesByTopic: ReadonlyMap<string, readonly string[]>,
  ) {
    this.byName = new Map(all.map((tenant) => [tenant.name, tenant]))
  }

  find(name: string): Tenant | undefined {
    return this.byName.get(name)
  }

  /** The tenant of a message. One that is not named is the topic's only one. */
  resolve(topic: string, name: string | undefined): TenantResolution {
    const allowed = this.namesByTopic.get(topic) ?? this.namesByTopic.get(ANY_TOPIC) ?? []
    if (name === undefined) return this.resolveUnnamed(topic, allowed)
    const tenant = allowed.includes(name) ? this.byName.get(name) : undefined
    return tenant === undefined ? refuse(`tenant: ${name} may not send on topic ${topic}`) : { tenant }
  }

  private resolveUnnamed(topic: string, allowed: readonly string[]): TenantResolution {
    if (allowed.length > 1) return refuse(`tenant: must be given, topic ${topic} has several`)
    const tenant = allowed[0] === undefined ? undefined : this.byName.get(allowed[0])
    return tenant === undefined ? refuse(`tenant: topic ${topic} has none`) : { tenant }
  }
}

function refuse(message: string): TenantResolution {
  return { error: TaskError.invalid('tenant_not_allowed', message) }
}
