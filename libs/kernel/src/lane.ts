/** What an attempt is admitted by: tasks of one lane wait for the same things. */
export interface Lane {
  readonly provider: string
  readonly model: string
  readonly tenant: string
}

/** One text for each lane. None of its parts has a line break in it. */
export function makeLaneKey({ provider, model, tenant }: Lane): string {
  return `${provider}\n${model}\n${tenant}`
}
