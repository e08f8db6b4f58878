import { TaskTypes, type TaskType } from '#libs/kernel'

/** The task types of TASK_TYPES_DIR, as they were at start. */
export class FileTaskTypes extends TaskTypes {
  private readonly byName: ReadonlyMap<string, TaskType>

  constructor(readonly all: readonly TaskType[]) {
    super()
    this.byName = new Map(all.map((type) => [type.name, type]))
  }

  override get names(): readonly string[] {
    return [...this.byName.keys()]
  }

  override find(name: string): TaskType | undefined {
    return this.byName.get(name)
  }
}
