import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { answerTo } from '../http/answer.mjs';
import { ready } from '../http/contender-process.mjs';
import { decorateClass, decorateMethod } from './decorate.mjs';
import { natsOptions, PATTERN } from './nest-options.mjs';

/** Nest's microservice behind its gateway: one message handler. */
class FindService {
  find({ id }) {
    return answerTo(id);
  }
}
decorateMethod(FindService, 'find', [MessagePattern(PATTERN)]);
Payload()(FindService.prototype, 'find', 0);
decorateClass(FindService, [Controller()]);

class ServiceModule {}
decorateClass(ServiceModule, [Module({ controllers: [FindService] })]);

const app = await NestFactory.createMicroservice(ServiceModule, {
  transport: Transport.NATS,
  options: { ...natsOptions(), queue: 'executor' },
  logger: false,
});
await app.listen();
ready();
