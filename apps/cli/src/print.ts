import type { OutputFormat } from './operator-options.js'

const GAP = '  '

/** Data as it is, or as a person reads it. */
export function print<T>(data: T, output: OutputFormat, describe: (data: T) => string): void {
  process.stdout.write(`${output === 'json' ? JSON.stringify(data) : describe(data)}\n`)
}

export type Cell = string | number | boolean | Date | null | undefined

/** Columns under their names. What comes from outside must not move the cursor or start a line of its own. */
export function makeTable(names: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = [names, ...rows.map((row) => row.map(makeCell))]
  const widths = names.map((_, column) => Math.max(...texts.map((row) => row[column]!.length)))
  return texts
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n')
}

function makeCell(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-'
  return cleanText(cell instanceof Date ? cell.toISOString() : String(cell))
}

export function cleanText(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}
