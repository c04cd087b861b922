import 'reflect-metadata';
import { Controller, Get, Header, Inject, Module, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ready } from '../http/contender-process.mjs';
import { decorateClass, decorateMethod } from './decorate.mjs';
import { natsOptions, PATTERN } from './nest-options.mjs';

/** Nest's gateway as its documentation has it: a controller on Fastify that asks a microservice over NATS. */
class FindController {
  constructor(client) {
    this.client = client;
  }

  find(id) {
    return this.client.send(PATTERN, { id });
  }
}
Inject('NATS')(FindController, undefined, 0);
decorateMethod(FindController, 'find', [Get('bench/nest'), Header('content-type', 'application/json')]);
Query('id')(FindController.prototype, 'find', 0);
decorateClass(FindController, [Controller()]);

class GatewayModule {}
const client = { name: 'NATS', transport: Transport.NATS, options: natsOptions() };
decorateClass(GatewayModule, [
  Module({ imports: [ClientsModule.register([client])], controllers: [FindController] }),
]);

const app = await NestFactory.create(GatewayModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
ready({ port: app.getHttpServer().address().port });
