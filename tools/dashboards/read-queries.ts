import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface DashboardQuery {
  readonly dashboard: string
  readonly panel: string
  /** As Grafana would send it for all replicas. */
  readonly expression: string
}

interface DashboardFile {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
}

/** Every query of the dashboards in a folder, with what stands for their variables. */
export function readQueries(folder: string, variables: Readonly<Record<string, string>>): DashboardQuery[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return files.flatMap((name) => {
    const { panels } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as DashboardFile
    return panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ dashboard: name, panel: title, expression: fillIn(expr, variables) })),
    )
  })
}

function fillIn(expression: string, variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables).reduce((text, [name, value]) => text.replaceAll(`$${name}`, value), expression)
}
