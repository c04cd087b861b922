import { Controller, Get, Inject } from '@nestjs/common';
import { type HandlerDescription, RegistryRpc } from '#lifecycle';
import { MeshLink } from './mesh-link.js';
import { openApiOf } from './openapi.js';

/** `/openapi.json`: from the routes that are live now, with the registry's descriptions while it answers. */
@Controller()
export class OpenApiController {
  constructor(
    @Inject(MeshLink) private readonly link: MeshLink,
    @Inject(RegistryRpc) private readonly registry: RegistryRpc,
  ) {}

  @Get('openapi.json')
  async document(): Promise<object> {
    const described = await this.registry.describe().catch((): HandlerDescription[] => []);
    return openApiOf(
      this.link.open?.routes.all() ?? [],
      new Map(described.map((one) => [one.path, one])),
      '/',
    );
  }
}
