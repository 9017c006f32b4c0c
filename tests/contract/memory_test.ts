import { systemClock } from "../../lib/clock.ts";
import { memory, MemoryNetwork } from "../../transports/memory.ts";
import { transportContract } from "./transport_contract.ts";

transportContract("memory", () => memory(new MemoryNetwork(systemClock)));
