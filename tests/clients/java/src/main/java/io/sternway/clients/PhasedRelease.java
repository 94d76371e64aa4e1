package io.sternway.clients;

import com.aliyuncs.edas.model.v20170801.ContinuePipelineRequest;
import com.aliyuncs.edas.model.v20170801.DeployK8sApplicationRequest;
import com.aliyuncs.edas.model.v20170801.GetChangeOrderInfoResponse.ChangeOrderInfo;
import com.aliyuncs.edas.model.v20170801.GetChangeOrderInfoResponse.ChangeOrderInfo.PipelineInfo;
import com.aliyuncs.edas.model.v20170801.InsertK8sApplicationRequest;
import com.aliyuncs.edas.model.v20170801.ListClusterRequest;
import com.aliyuncs.exceptions.ClientException;
import java.time.Duration;
import java.util.List;

/**
 * Creates an application of ten pods, releases another image in three batches, confirms the first one, and stops there:
 * in the middle of the second batch. The last line that it prints is the id of the change order that is running.
 *
 * <p>Arguments: the endpoint ("host:port"), the application's name, its first image, the image to release, and the
 * seconds that a batch may take.
 */
public final class PhasedRelease {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final int RUNNING = 1;
    private static final int SUCCEEDED = 2;
    private static final int AWAITING_CONFIRMATION = 8;
    private static final String IN_THREE_BATCHES =
            "{\"type\":\"BatchUpdate\",\"batchUpdate\":{\"batch\":3,\"releaseType\":\"manual\"}}";

    private PhasedRelease() {}

    /** See the class. */
    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length != 5) {
            System.err.println("usage: PhasedRelease HOST:PORT NAME IMAGE NEW_IMAGE BATCH_SECONDS");
            System.exit(2);
        }
        try {
            Edas edas = new Edas(arguments[0]);
            String app = create(edas, arguments[1], arguments[2]);
            System.out.println(release(edas, app, arguments[3], Integer.parseInt(arguments[4])));
        } catch (ClientException error) {
            System.err.println("error: " + error.getErrCode() + ": " + error.getErrMsg());
            System.exit(1);
        } catch (Problem problem) {
            System.err.println("error: " + problem.getMessage());
            System.exit(1);
        }
    }

    private static String create(Edas edas, String name, String image)
            throws ClientException, Problem, InterruptedException {
        var listed = edas.call(new ListClusterRequest());
        Edas.requireSuccess("ListCluster", listed.getCode(), listed.getMessage());
        Problem.unless(listed.getClusterList().size() == 1, "there are " + listed.getClusterList().size() + " clusters");

        InsertK8sApplicationRequest request = new InsertK8sApplicationRequest();
        request.setAppName(name);
        request.setClusterId(listed.getClusterList().get(0).getClusterId());
        request.setLogicalRegionId("cn-hangzhou");
        request.setNamespace("default");
        request.setPackageType("Image");
        request.setImageUrl(image);
        request.setReplicas(10);
        var response = edas.call(request);
        Edas.requireSuccess("InsertK8sApplication", response.getCode(), response.getMessage());
        String order = response.getApplicationInfo().getChangeOrderId();
        var created = edas.poll(order, "at its end", PATIENCE, Edas::hasEnded);
        Problem.unless(created.getStatus() == SUCCEEDED, "the creation ended as " + Edas.describe(created));
        System.out.println("created " + name + " with " + response.getApplicationInfo().getAppId());
        return response.getApplicationInfo().getAppId();
    }

    private static String release(Edas edas, String app, String image, int seconds)
            throws ClientException, Problem, InterruptedException {
        DeployK8sApplicationRequest request = new DeployK8sApplicationRequest();
        request.setAppId(app);
        request.setImage(image);
        request.setUpdateStrategy(IN_THREE_BATCHES);
        request.setBatchTimeout(seconds);
        var response = edas.call(request);
        Edas.requireSuccess("DeployK8sApplication", response.getCode(), response.getMessage());
        String order = response.getChangeOrderId();

        var waiting = edas.poll(order, "waiting for the confirmation of its second batch", PATIENCE,
                info -> Edas.hasEnded(info) || info.getStatus() == AWAITING_CONFIRMATION);
        Problem.unless(waiting.getStatus() == AWAITING_CONFIRMATION, "the release ended as " + Edas.describe(waiting));
        Problem.unless(waiting.getBatchCount() == 3, "BatchCount is " + waiting.getBatchCount());
        Problem.unless("Manual".equals(waiting.getBatchType()), "BatchType is " + waiting.getBatchType());
        List<PipelineInfo> batches = waiting.getPipelineInfoList();
        Problem.unless(batches.size() == 3, "there are " + batches.size() + " pipelines");
        Problem.unless(batches.get(0).getPipelineStatus() == SUCCEEDED, "the first batch is not done: " + Edas.describe(waiting));

        ContinuePipelineRequest next = new ContinuePipelineRequest();
        next.setPipelineId(batches.get(1).getPipelineId());
        next.setConfirm(true);
        var confirmed = edas.call(next);
        Edas.requireSuccess("ContinuePipeline", confirmed.getCode(), confirmed.getMessage());
        edas.poll(order, "in its second batch", PATIENCE, info -> secondBatch(info) == RUNNING);
        return order;
    }

    private static int secondBatch(ChangeOrderInfo order) {
        return order.getPipelineInfoList().get(1).getPipelineStatus();
    }
}
