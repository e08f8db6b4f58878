import 'reflect-metadata'
import { EXIT_CONFIG, SettingsError } from '#libs/config'
import { describeCauses } from '#libs/kernel'
import { makeProgram } from './program.js'

try {
  await makeProgram(process.env).parseAsync()
} catch (error) {
  const causes = error instanceof Error ? describeCauses(error.cause).map((cause) => `  because of ${cause}\n`) : []
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${causes.join('')}`)
  process.exitCode = error instanceof SettingsError ? EXIT_CONFIG : 1
}
