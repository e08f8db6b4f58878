import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A helm that Go has built takes Kubernetes for older than the chart asks for. */
export const KUBERNETES_VERSION = '1.33.0'

/** The chart as `helm` sees it. Each call rejects with what helm says. */
export class HelmChart {
  constructor(
    private readonly helm: string,
    private readonly folder: string,
  ) {}

  async lint(valuesFile: string): Promise<void> {
    await this.run(['lint', '--strict', '--quiet', this.folder, '--values', valuesFile])
  }

  /** The manifests. `extra` are options such as `--set`. */
  async render(valuesFile: string, extra: readonly string[] = []): Promise<string> {
    return this.run(['template', 'test', this.folder, '--values', valuesFile, ...extra])
  }

  private async run(args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(this.helm, [...args, '--kube-version', KUBERNETES_VERSION])
    return stdout
  }
}
