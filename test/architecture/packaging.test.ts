import { accessSync, constants, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

interface Step {
  readonly uses?: string
  readonly run?: string
}

interface Job {
  readonly 'timeout-minutes'?: number
  readonly permissions?: object
  readonly steps: readonly Step[]
}

const read = (path: string) => readFileSync(path, 'utf8')
const manifest = JSON.parse(read('package.json')) as {
  version: string
  devDependencies: { node: string }
  scripts: Record<string, string>
}
const images = ['Dockerfile', 'tools/image/simulator.Dockerfile']

describe('one Node.js everywhere', () => {
  it.each(images)('%s is made from the image of the version that the project runs on', (path) => {
    expect(read(path)).toMatch(new RegExp(`^ARG NODE_IMAGE=node:${manifest.devDependencies.node}-`, 'm'))
  })

  it('.nvmrc names its major version', () => {
    expect(read('.nvmrc').trim()).toBe(manifest.devDependencies.node.split('.')[0])
  })
})

describe('the image', () => {
  const dockerfile = read('Dockerfile')
  const stages = dockerfile.split(/^FROM /m)

  it('runs as a user by number, who is not root', () => {
    expect(/^USER (\d+):\d+$/m.exec(stages.at(-1)!)?.[1]).toBe('10001')
  })

  it('starts the service as start:prod does, without a shell that would keep signals from it', () => {
    const [, command] = /^CMD (.+)$/m.exec(stages.at(-1)!)!
    expect((JSON.parse(command!) as string[]).join(' ')).toBe(manifest.scripts['start:prod'])
  })

  it('has only dependencies of production', () => {
    expect(stages.at(-1)).not.toMatch(/--from=build .*node_modules/)
    expect(dockerfile).toContain('npm ci --omit=dev')
  })

  it.each(['apps/simulator', 'test', 'tools/stack'])('cannot hold %s: it is not sent to the builder', (folder) => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
    expect(allowed.filter((line) => line.slice(1).startsWith(folder))).toEqual([])
  })

  it('carries the version of the package, and so does the chart', () => {
    expect(dockerfile).toContain(`ARG VERSION=${manifest.version}\n`)
    expect(parse(read('helm/sluice/Chart.yaml'))).toMatchObject({ appVersion: manifest.version })
  })
})

describe('the workflow', () => {
  const workflow = parse(read('.github/workflows/ci.yml')) as { permissions: object; jobs: Record<string, Job> }
  const jobs = Object.entries(workflow.jobs)

  it('may only read', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' })
    expect(jobs.filter(([, job]) => job.permissions)).toEqual([])
  })

  it.each(jobs)('%s ends by itself', (_, job) => {
    expect(job['timeout-minutes']).toBeGreaterThan(0)
  })

  it('pins every action by the commit, with its version beside it', () => {
    const uses = read('.github/workflows/ci.yml').match(/uses: .*/g)!
    expect(uses.filter((line) => !/^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
  })

  it.each(['npm ci && npm run check', 'npm ci && npm test', 'npm ci && npm run demo', 'npm ci && npm run chart'])('runs %s', (command) => {
    expect(jobs.flatMap(([, job]) => job.steps.map((step) => step.run))).toContain(command)
  })
})

describe('.ci/run', () => {
  it("is the README's test command", () => {
    accessSync('.ci/run', constants.X_OK)
    expect(read('.ci/run').trimEnd().split('\n').at(-1)).toBe('npm ci && npm test')
    expect(read('README.md')).toContain('npm ci && npm test')
  })
})
