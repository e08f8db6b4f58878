import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Gauge } from 'prom-client'
import { HealthContributor, HealthRegistry, type HealthReport } from '#libs/health'
import { HotPool } from '../connection/hot-pool.js'
import { SCHEMA_VERSION } from './schema.metrics.js'
import { readSchemaVersion } from './schema.version.js'

/** A schema that is older than this release needs makes it unready; a newer one is fine: releases run on the schema of the next one too. */
@Injectable()
export class SchemaHealth extends HealthContributor {
  readonly name = 'schema'
  readonly critical = true

  constructor(
    registry: HealthRegistry,
    private readonly pool: HotPool,
    @InjectMetric(SCHEMA_VERSION) private readonly gauge: Gauge,
  ) {
    super()
    registry.register(this)
  }

  override async check(): Promise<HealthReport> {
    const { version, needs, lacks } = await readSchemaVersion(this.pool)
    this.gauge.set(version)
    if (lacks.length === 0) return { status: 'up', details: { version, needs } }
    const error = `the schema is at version ${version} and lacks ${lacks.join(', ')}: run "npm run migrate", or set MIGRATE_ON_START=true`
    return { status: 'down', details: { version, needs, error } }
  }
}
