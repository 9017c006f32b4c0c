import { tcp } from "../../transports/tcp.ts";
import { transportContract } from "./transport_contract.ts";

transportContract("tcp", tcp);
