import type { TaskFile } from '#libs/contracts'

/** The names by which a template and the blocks of a prompt know the files: their own, or `file1`, `file2`, ... by their place. */
export function makeFileNames(files: readonly TaskFile[]): string[] {
  return files.map(({ name }, index) => name ?? `file${index + 1}`)
}

/** Two files with one name would be one variable. Answers with the field and what is wrong, or undefined. */
export function findFileNameProblem(files: readonly TaskFile[] | undefined): string | undefined {
  if (files === undefined || files.length < 2) return undefined
  const names = makeFileNames(files)
  const repeated = names.findIndex((name, index) => names.indexOf(name) !== index)
  return repeated < 0 ? undefined : `files[${repeated}].name: ${names[repeated]} is the name of an earlier file`
}
