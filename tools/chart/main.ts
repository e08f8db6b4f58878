import { spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { prepareFolders } from '../stack/cache/stack.folders.js'
import { HELM, installProgram, KUBECONFORM } from './go.program.js'
import { HelmChart, KUBERNETES_VERSION } from './helm.chart.js'

const CHART = 'helm/sluice'

await new Command('chart')
  .description('lint the chart, render it with each file of its ci folder, and check the manifests against the schemas of Kubernetes')
  .option(
    '--schemas <location>',
    "where kubeconform finds the schemas (its -schema-location); the project's on GitHub by default",
    'default',
  )
  .action(async ({ schemas }: { schemas: string }) => {
    const { cache } = await prepareFolders(process.env)
    process.stderr.write(`${HELM.name} ${HELM.version}, ${KUBECONFORM.name} ${KUBECONFORM.version} (built once, one to three minutes)\n`)
    const chart = new HelmChart(await installProgram(HELM, cache), CHART)
    const kubeconform = await installProgram(KUBECONFORM, cache)
    for (const name of (await readdir(join(CHART, 'ci'))).toSorted()) {
      const values = join(CHART, 'ci', name)
      await chart.lint(values)
      const manifests = await chart.render(values)
      const args = ['-strict', '-summary', '-kubernetes-version', KUBERNETES_VERSION, '-schema-location', schemas]
      const { status } = spawnSync(kubeconform, args, { input: manifests, stdio: ['pipe', 'inherit', 'inherit'] })
      if (status !== 0) throw new Error(`${values}: kubeconform refuses what the chart makes of it`)
      process.stdout.write(`${values}: fine\n`)
    }
  })
  .parseAsync()
