/** Tables partitioned by the day of acceptance, with what their partitions need: room on the page where rows are updated in place. */
export const WIDE_TABLES = [
  { table: 'task', options: '' },
  { table: 'attempt', options: ' WITH (fillfactor = 50)' },
  { table: 'answer', options: '' },
  { table: 'run_record', options: '' },
] as const
