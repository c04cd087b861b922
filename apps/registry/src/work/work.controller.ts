import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers, Refuses } from '../api/openapi.js';
import { type Backlog, Backlogs } from './backlog.js';

const stream = z.object({
  messages: z.int(),
  bytes: z.int(),
  maxBytes: z.int().describe('At which it is full: then nothing more is accepted.'),
  oldestAt: z.iso.datetime().nullable(),
});
const backlogView = z.object({
  work: stream.describe('Accepted and not done, with what is scheduled for later.'),
  dead: stream.describe('Dead letters.'),
  schedules: z.int().describe('Cron triggers.'),
  consumers: z.array(
    z.object({
      name: z.string().describe('`pool-<name>`, or `own=<path>` of an ordered path.'),
      waiting: z.int(),
      inHand: z.int().describe('With an executor, or in back-off.'),
    }),
  ),
});

@ApiTags('work')
@Controller('v1/work')
export class WorkController {
  constructor(private readonly backlogs: Backlogs) {}

  @Get()
  @ApiOperation({ summary: 'What waits, and for whom' })
  @Answers(200, 'As it is now.', backlogView)
  @Refuses('not-connected')
  show(): Promise<Backlog> {
    return this.backlogs.look();
  }
}
