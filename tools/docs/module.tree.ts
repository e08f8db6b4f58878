import 'reflect-metadata'
import { MODULE_METADATA } from '@nestjs/common/constants.js'

/** A module of Nest with what it declares, by its class or as a dynamic module. */
export interface DeclaredModule {
  readonly name: string
  readonly controllers: readonly unknown[]
  readonly providers: readonly unknown[]
}

/** A module and all that are reached from it, each once. */
export function listModules(root: unknown): DeclaredModule[] {
  const seen = new Set<unknown>()
  const found: DeclaredModule[] = []
  const visit = (module: unknown) => {
    const owner: unknown = isDynamic(module) ? module.module : module
    if (typeof owner !== 'function' || seen.has(module)) return
    seen.add(module)
    const read = (key: string): unknown[] => [
      ...(isDynamic(module) ? ((module[key] as unknown[] | undefined) ?? []) : []),
      ...((Reflect.getMetadata(key, owner) as unknown[] | undefined) ?? []),
    ]
    const isKnown = found.some(({ name }) => name === owner.name)
    const declared = { name: owner.name, controllers: read(MODULE_METADATA.CONTROLLERS), providers: read(MODULE_METADATA.PROVIDERS) }
    if (!isKnown) found.push(declared)
    read(MODULE_METADATA.IMPORTS).forEach(visit)
  }
  visit(root)
  return found
}

function isDynamic(module: unknown): module is Record<string, unknown> & { readonly module: unknown } {
  return typeof module === 'object' && module !== null && 'module' in module
}
