const COUNTER_TYPE = /^# TYPE (\S+) counter$/
const HELP = /^# HELP (\S+)/
const EXEMPLAR = / # \{[^{}]*\} \S+ \S+$/

/**
 * OpenMetrics text 1.0 as the text format of Prometheus 0.0.4, for readers that know no other: without exemplars and the end mark, and the
 * names of counters with their ending in the comments too.
 */
export function makePrometheusText(openMetrics: string): string {
  const lines = openMetrics.split('\n').filter((line) => line !== '# EOF')
  const counters = new Set(lines.flatMap((line) => COUNTER_TYPE.exec(line)?.[1] ?? []))
  return lines.map((line) => (line.startsWith('#') ? nameCounter(line, counters) : line.replace(EXEMPLAR, ''))).join('\n')
}

function nameCounter(comment: string, counters: ReadonlySet<string>): string {
  const name = HELP.exec(comment)?.[1] ?? COUNTER_TYPE.exec(comment)?.[1]
  return name !== undefined && counters.has(name) ? comment.replace(name, `${name}_total`) : comment
}
