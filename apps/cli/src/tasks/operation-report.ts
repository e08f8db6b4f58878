import type { OperationReport } from '#libs/admin'
import { EXIT_NOT_FOUND, EXIT_REFUSED } from '../exit-codes.js'
import type { OutputFormat } from '../operator-options.js'
import { cleanText, print } from '../print.js'

/** As many names as a person reads. */
const MAX_NAMES = 20

/** `verb` is what was done, as in "cancelled". */
export function printReport(report: OperationReport, verb: string, output: OutputFormat): void {
  print(report, output, () => describe(report, verb))
  if (report.unknown.length > 0) process.exitCode = EXIT_NOT_FOUND
  if (report.refused.length > 0) process.exitCode = EXIT_REFUSED
}

function describe({ dryRun, matching, tasks, refused, unknown }: OperationReport, verb: string): string {
  const left = matching - tasks.length - refused.length
  return [
    `${dryRun ? 'would be ' : ''}${verb}: ${tasks.length}${left > 0 ? ` of ${matching} that match (raise --limit, or do it again)` : ''}`,
    ...tasks.slice(0, MAX_NAMES).map(({ tenant, taskId }) => `  ${cleanText(`${taskId} of ${tenant}`)}`),
    ...(tasks.length > MAX_NAMES ? [`  and ${tasks.length - MAX_NAMES} more`] : []),
    ...refused.map(({ taskId, tenant, why }) => `refused ${cleanText(`${taskId} of ${tenant}`)}: ${why}`),
    ...unknown.map(({ taskId, tenant }) => `no task ${cleanText(`${taskId} of tenant ${tenant}`)}`),
  ].join('\n')
}
