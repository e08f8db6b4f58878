import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Gauge } from 'prom-client'
import { FIRST_SETTINGS_VERSION } from '#libs/kernel'
import { BUILD_INFO, SETTINGS_VERSION } from './build-info.metric.js'

export interface BuildIdentity {
  readonly service: string
  readonly version: string
}

export const BUILD_IDENTITY = Symbol('sluice.metrics.build-identity')

@Injectable()
export class BuildInfoReporter implements OnModuleInit {
  constructor(
    @InjectMetric(BUILD_INFO) private readonly gauge: Gauge<'service' | 'version' | 'node_version'>,
    @InjectMetric(SETTINGS_VERSION) private readonly settingsVersion: Gauge,
    @Inject(BUILD_IDENTITY) private readonly identity: BuildIdentity,
  ) {}

  onModuleInit(): void {
    this.settingsVersion.set(FIRST_SETTINGS_VERSION)
    this.gauge.set({ ...this.identity, node_version: process.version }, 1)
  }
}
