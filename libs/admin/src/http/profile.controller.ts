import { Readable } from 'node:stream'
import { getHeapSnapshot } from 'node:v8'
import { Body, ConflictException, Controller, HttpCode, Logger, Post, StreamableFile } from '@nestjs/common'
import { AuditLog } from '#libs/kernel'
import { checkChange } from '../check-change.js'
import { CpuProfiler } from '../profile/cpu.profiler.js'
import { AdminPolicy } from './admin-policy.decorator.js'
import { parseCpuProfile, parseHeapSnapshot } from './profile.schema.js'

/**
 * Profiles of this replica. A heap snapshot holds prompts, answers and secrets, stops the process for about a second for every 100 MiB of heap, and
 * needs as much memory again: it has a permission of its own and is not taken before it is in the audit.
 */
@Controller('profiles')
export class ProfileController {
  private readonly logger = new Logger(ProfileController.name)
  private takesHeap = false

  constructor(
    private readonly profiler: CpuProfiler,
    private readonly audit: AuditLog,
  ) {}

  @Post('cpu')
  @HttpCode(200)
  @AdminPolicy('profile:cpu')
  async cpu(@Body() body: unknown): Promise<StreamableFile> {
    const { actor, reason, seconds } = parseCpuProfile(body)
    const change = checkChange({ actor, reason })
    if (this.profiler.isRunning) throw new ConflictException('a profile is being taken already: try again when it has ended')
    this.logger.warn('a CPU profile is being taken', { ...change, seconds })
    await this.audit
      .record({ ...change, action: 'profile.cpu', target: { pid: process.pid }, after: { seconds } })
      .catch((error: unknown) => this.logger.warn('a CPU profile is not in the audit', { error }))
    return makeFile(Readable.from([await this.profiler.take(seconds * 1_000)]), 'cpuprofile')
  }

  @Post('heap')
  @HttpCode(200)
  @AdminPolicy('profile:heap')
  async heap(@Body() body: unknown): Promise<StreamableFile> {
    const change = checkChange(parseHeapSnapshot(body))
    if (this.takesHeap) throw new ConflictException('a heap snapshot is being taken already')
    await this.audit.record({ ...change, action: 'profile.heap', target: { pid: process.pid } })
    this.logger.warn('a heap snapshot is being taken', { ...change })
    this.takesHeap = true
    const snapshot = getHeapSnapshot()
    snapshot.once('close', () => (this.takesHeap = false))
    return makeFile(snapshot, 'heapsnapshot')
  }
}

function makeFile(content: Readable, ending: string): StreamableFile {
  return new StreamableFile(content, { type: 'application/json', disposition: `attachment; filename="sluice-${process.pid}.${ending}"` })
}
